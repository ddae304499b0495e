/* Tries the network from inside a pod, for tests of the cluster itself.
 *
 *   probe serve PORT...               accepts TCP connections and closes them
 *   probe connect IPV4 PORT MILLIS    ends with 0 if a connection opens in time, else with 1
 */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_PORTS = 16 };

static struct sockaddr_in address(const char *ip, const char *port) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(port))};
    inet_pton(AF_INET, ip, &a.sin_addr);
    return a;
}

static int serve(int count, char **ports) {
    struct pollfd listeners[MAX_PORTS];
    for (int i = 0; i < count; i++) {
        struct sockaddr_in a = address("0.0.0.0", ports[i]);
        int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, 16)) { perror("listen"); return 1; }
        listeners[i] = (struct pollfd){.fd = fd, .events = POLLIN};
    }
    while (poll(listeners, (nfds_t)count, -1) >= 0) {
        for (int i = 0; i < count; i++) {
            if (!(listeners[i].revents & POLLIN)) continue;
            int fd = accept(listeners[i].fd, NULL, NULL);
            if (fd >= 0) close(fd);
        }
    }
    return 1;
}

static int try_connect(const char *ip, const char *port, int millis) {
    struct sockaddr_in a = address(ip, port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    connect(fd, (struct sockaddr *)&a, sizeof a);
    struct pollfd opened = {.fd = fd, .events = POLLOUT};
    int error = 1;
    socklen_t size = sizeof error;
    if (poll(&opened, 1, millis) != 1) return 1;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    return error != 0;
}

int main(int argc, char **argv) {
    if (argc > 2 && argc - 2 <= MAX_PORTS && !strcmp(argv[1], "serve")) return serve(argc - 2, argv + 2);
    if (argc == 5 && !strcmp(argv[1], "connect")) return try_connect(argv[2], argv[3], atoi(argv[4]));
    fputs("probe serve PORT... | probe connect IPV4 PORT MILLIS\n", stderr);
    return 2;
}
