#include "agent.h"

size_t from_hex(const char *hex, char *to) {
  size_t n = 0;
  for (unsigned value; sscanf(hex + 2 * n, "%2x", &value) == 1 && hex[2 * n + 1]; n++) to[n] = value;
  return n;
}

void write_bytes(const char *id, const char *path, off_t offset, const char *hex) {
  static char bytes[LINE_BYTES / 2];
  size_t length = from_hex(hex, bytes);
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return fail(id, "open %s: %s", path, strerror(errno));
  ssize_t n = pwrite(fd, bytes, length, offset);
  int why = errno, synced = fsync(fd);
  if (n == (ssize_t)length && synced < 0) why = errno, n = -1;
  close(fd);
  if (n != (ssize_t)length) return fail(id, "write %s: %s", path, n < 0 ? strerror(why) : "short write");
  reply(id, "true");
}

/* The page cache is dropped first: what is wanted are the bytes on the disk. */
void read_bytes(const char *id, const char *path, off_t offset, size_t length) {
  static char bytes[LINE_BYTES / 2], json[LINE_BYTES + 8];
  if (length > LINE_BYTES / 2 - 8) return fail(id, "at most %d bytes at once", LINE_BYTES / 2 - 8);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fail(id, "open %s: %s", path, strerror(errno));
  posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  ssize_t n = pread(fd, bytes, length, offset);
  int why = errno;
  close(fd);
  if (n < 0) return fail(id, "read %s: %s", path, strerror(why));
  char *to = json;
  *to++ = '"';
  for (ssize_t i = 0; i < n; i++) to += sprintf(to, "%02x", (unsigned char)bytes[i]);
  strcpy(to, "\"");
  reply(id, json);
}
