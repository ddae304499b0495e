"""asyncpg in the trial of `rotation.rs`: one role's password changes under load, the pool is told later.

Arguments: port, superuser, its password, database, lag in seconds, swaps. Prints "<failed> <all>".
"""

import asyncio
import sys

import asyncpg

PORT, SUPERUSER, PASSWORD, DATABASE, LAG, SWAPS = sys.argv[1:7]
WORKERS, THINK = 32, 0.002


async def main():
    place = {"host": "127.0.0.1", "port": int(PORT), "database": DATABASE, "ssl": False}
    admin = await asyncpg.connect(user=SUPERUSER, password=PASSWORD, **place)
    await admin.execute("CREATE ROLE c LOGIN PASSWORD '0'")
    # Connections are exchanged often here too: every fifty queries.
    pool = await asyncpg.create_pool(
        user="c", password="0", min_size=8, max_size=8, max_queries=50, **place
    )
    counts, stop = {"all": 0, "failed": 0}, asyncio.Event()

    async def work():
        while not stop.is_set():
            counts["all"] += 1
            try:
                async with pool.acquire(timeout=10) as connection:
                    await connection.fetchval("SELECT 1")
            except (asyncpg.PostgresError, OSError, asyncio.TimeoutError):
                counts["failed"] += 1
            await asyncio.sleep(THINK)

    workers = [asyncio.create_task(work()) for _ in range(WORKERS)]
    await asyncio.sleep(1)
    for swap in range(1, int(SWAPS) + 1):
        await admin.execute(f"ALTER ROLE c PASSWORD '{swap}'")
        await asyncio.sleep(float(LAG))
        pool.set_connect_args(user="c", password=str(swap), **place)
        await pool.expire_connections()
        await asyncio.sleep(0.3)
    stop.set()
    await asyncio.gather(*workers)
    print(counts["failed"], counts["all"])


asyncio.run(main())
