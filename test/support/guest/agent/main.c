#include "agent.h"
#include <poll.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* Reads what the port has; false when nobody is at its other end. */
static bool hear_port(void) {
  static char line[LINE_BYTES];
  static size_t length;
  ssize_t n = read(port, line + length, sizeof line - 1 - length);
  if (n <= 0) return length = 0, n < 0 && (errno == EINTR || errno == EAGAIN);
  length += n;
  for (char *end; (end = memchr(line, '\n', length));) {
    *end = 0;
    obey(line);
    size_t used = end + 1 - line;
    memmove(line, end + 1, length -= used);
  }
  if (length == sizeof line - 1) length = 0;
  return true;
}

/* The kernel's name for the port depends on the order of the devices; the name given in the domain's XML does not. */
static int open_port(void) {
  char path[600], name[64];
  int fd = -1;
  DIR *directory = opendir("/sys/class/virtio-ports");
  for (struct dirent *entry; directory && fd < 0 && (entry = readdir(directory));) {
    snprintf(path, sizeof path, "/sys/class/virtio-ports/%s/name", entry->d_name);
    if (read_file(path, name, sizeof name) < 0 || strcmp(name, "lab\n") != 0) continue;
    snprintf(path, sizeof path, "/dev/%s", entry->d_name);
    fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
  }
  if (directory) closedir(directory);
  return fd;
}

static void load_modules(void) {
  static char list[4096];
  read_file("/modules/list", list, sizeof list);
  for (char *name = strtok(list, "\n"); name; name = strtok(NULL, "\n")) {
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    if (syscall(SYS_finit_module, fd, "", 0) < 0) perror(name);
    close(fd);
  }
}

static void set_up(void) {
  mount("proc", "/proc", "proc", 0, NULL);
  mount("sysfs", "/sys", "sysfs", 0, NULL);
  mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
  mount("tmpfs", "/tmp", "tmpfs", 0, NULL);
  mkdir("/dev/disk", 0755);
  mkdir("/dev/disk/by-id", 0755);
  setenv("PATH", "/bin", 1);
  /* the kernel found no console in the initramfs, so 0, 1 and 2 are still free */
  int console = open("/dev/console", O_RDWR);
  dup2(console, 1);
  dup2(console, 2);
}

int main(void) {
  set_up();
  int netlink = open_netlink();
  load_modules();
  know_present_disks();
  while ((port = open_port()) < 0) usleep(10000);
  for (bool connected = true;;) {
    struct pollfd wait[2] = {{.fd = netlink, .events = POLLIN}, {.fd = connected ? port : -1, .events = POLLIN}};
    poll(wait, 2, connected ? -1 : 20);
    if (wait[0].revents) hear_kernel(netlink);
    if (wait[1].revents || !connected) connected = hear_port();
  }
}
