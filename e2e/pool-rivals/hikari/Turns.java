// HikariCP with connections that do nothing: how many million turns one thread takes per second, and the median
// of a turn in microseconds, once the JVM has warmed up. Prints the two figures.

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.util.Arrays;
import javax.sql.DataSource;

public class Turns {
    static final int CYCLES = 1_000_000;
    static final int WARM_UP_ROUNDS = 4;
    static final int SAMPLES = 200_000;

    public static void main(String[] arguments) throws Exception {
        HikariConfig config = new HikariConfig();
        config.setDataSource(source());
        config.setMaximumPoolSize(16);
        try (HikariDataSource pool = new HikariDataSource(config)) {
            for (int round = 0; round < WARM_UP_ROUNDS; round++) {
                turns(pool);
                median(pool);
            }
            System.out.println(turns(pool) + " " + median(pool));
        }
    }

    /** Million turns per second. */
    static double turns(HikariDataSource pool) throws Exception {
        long begun = System.nanoTime();
        for (int turn = 0; turn < CYCLES; turn++) {
            pool.getConnection().close();
        }
        return CYCLES * 1e3 / (System.nanoTime() - begun);
    }

    /** The median of a turn in microseconds. */
    static double median(HikariDataSource pool) throws Exception {
        long[] nanos = new long[SAMPLES];
        for (int turn = 0; turn < SAMPLES; turn++) {
            long begun = System.nanoTime();
            pool.getConnection().close();
            nanos[turn] = System.nanoTime() - begun;
        }
        Arrays.sort(nanos);
        return nanos[SAMPLES / 2] / 1e3;
    }

    static DataSource source() {
        return (DataSource) answering(DataSource.class);
    }

    /** Answers every question as a healthy connection does, and does nothing. */
    static Object answering(Class<?> type) {
        return Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (self, method, arguments) -> {
            if (method.getReturnType() == Connection.class) {
                return answering(Connection.class);
            }
            return switch (method.getName()) {
                case "isValid", "getAutoCommit" -> true;
                case "hashCode" -> System.identityHashCode(self);
                case "equals" -> self == arguments[0];
                case "toString" -> type.getSimpleName();
                default -> zero(method.getReturnType());
            };
        });
    }

    static Object zero(Class<?> type) {
        if (type == boolean.class) {
            return false;
        }
        return type == int.class ? (Object) 0 : null;
    }
}
