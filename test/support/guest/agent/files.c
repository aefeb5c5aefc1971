#include "agent.h"

ssize_t read_file(const char *path, char *to, size_t size) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  ssize_t n = read(fd, to, size - 1);
  close(fd);
  if (n < 0) return -1;
  to[n] = 0;
  return n;
}

void write_file(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  if (write(fd, text, strlen(text)) < 0) perror(path);
  close(fd);
}

uint64_t read_number(const char *path) {
  char text[64];
  return read_file(path, text, sizeof text) > 0 ? strtoull(text, NULL, 10) : 0;
}
