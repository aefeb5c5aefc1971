// Listens on PATH.sock until it is killed, as the container of an attachment pod does: container-disk --copy-path PATH
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (argc != 3 || strcmp(argv[1], "--copy-path") != 0) return 2;
  snprintf(address.sun_path, sizeof address.sun_path, "%s.sock", argv[2]);
  unlink(address.sun_path);
  int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 16) != 0) {
    perror(address.sun_path);
    return 1;
  }
  for (;;) {
    int peer = accept(listener, NULL, NULL);
    if (peer >= 0) close(peer);
  }
}
