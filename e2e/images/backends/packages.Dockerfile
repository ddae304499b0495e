# Debian's packages and Vault: the part of the backends' image that seldom changes.
ARG BASE
FROM ${BASE}
# Fixed numbers, because pods name users by number.
RUN useradd --uid 5432 --user-group --home-dir /var/lib/postgresql --shell /bin/sh postgres \
 && useradd --uid 2222 --user-group --home-dir /nonexistent --shell /usr/sbin/nologin tunnel
# Pods start the services, not their installation. PostgreSQL's compiler is half of the image and
# pays off for long queries alone.
RUN printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d \
 && chmod 755 /usr/sbin/policy-rc.d \
 && mkdir -p /etc/postgresql-common \
 && echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf \
 && apt-get update -q \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
      openssh-server postgresql-15 redis-server \
 && rm -rf /etc/ssh/ssh_host_* /usr/lib/postgresql/15/lib/llvmjit* /usr/lib/postgresql/15/lib/bitcode \
      /usr/lib/*-linux-gnu/libLLVM* /usr/lib/*-linux-gnu/libz3* \
      /usr/share/doc /usr/share/i18n /usr/share/locale /usr/share/man \
      /var/cache/apt /var/lib/apt/lists /var/log
COPY vault /usr/local/bin/vault
COPY vault-plugin-auth-kubernetes /usr/local/lib/vault/
ENV PATH=/usr/lib/postgresql/15/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
