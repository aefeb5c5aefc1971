#include "agent.h"
#include <linux/netlink.h>
#include <sys/socket.h>

static const char BY_ID[] = "/dev/disk/by-id/";

/* What udev would do, as far as anybody here looks. */
static void link_by_id(const char *name) {
  char serial[256], link[600], target[300];
  if (read_serial(name, serial, sizeof serial) == 0 || strchr(serial, '/')) return;
  snprintf(link, sizeof link, "%sscsi-0QEMU_QEMU_HARDDISK_%s", BY_ID, serial);
  snprintf(target, sizeof target, "../../%s", name);
  unlink(link);
  if (symlink(target, link) < 0) perror(link);
}

static void unlink_by_id(const char *name) {
  char path[600], target[300];
  DIR *directory = opendir(BY_ID);
  for (struct dirent *entry; directory && (entry = readdir(directory));) {
    snprintf(path, sizeof path, "%s%s", BY_ID, entry->d_name);
    ssize_t n = readlink(path, target, sizeof target - 1);
    if (n <= 6) continue;
    target[n] = 0;
    if (strcmp(target + 6, name) == 0) unlink(path);
  }
  if (directory) closedir(directory);
}

static void announce(const char *action, const char *name) {
  char disk[2400], json[3000];
  if (strcmp(action, "remove") == 0) sprintf(disk, "{\"name\":\"%s\"}", name);
  else disk_json(disk, name);
  int n = snprintf(json, sizeof json, "event {\"action\":\"%s\",\"disk\":%s}\n", action, disk);
  if (port >= 0) send_line(json, n);
}

static const char *field(const char *message, ssize_t length, const char *key) {
  size_t width = strlen(key);
  for (const char *at = message; at < message + length; at += strlen(at) + 1)
    if (strncmp(at, key, width) == 0) return at + width;
  return "";
}

/* The kernel dropped events because they came faster than we read them; it drops all until the socket is empty. */
static void start_over(int netlink) {
  static const char lost[] = "event {\"action\":\"lost\"}\n";
  char message[8192];
  while (recv(netlink, message, sizeof message, MSG_DONTWAIT) > 0) continue;
  forget_all();
  know_present_disks();
  if (port >= 0) send_line(lost, sizeof lost - 1);
}

void hear_kernel(int netlink) {
  char message[8192];
  ssize_t n = recv(netlink, message, sizeof message - 1, MSG_DONTWAIT);
  if (n < 0 && errno == ENOBUFS) return start_over(netlink);
  if (n <= 0) return;
  message[n] = 0;
  const char *action = field(message, n, "ACTION="), *name = field(message, n, "DEVNAME=");
  if (strcmp(field(message, n, "DEVTYPE="), "disk") != 0 || !is_disk(name)) return;
  if (strcmp(action, "remove") == 0) unlink_by_id(name), forget(name);
  else link_by_id(name), know(name);
  announce(action, name);
}

int open_netlink(void) {
  struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = 1};
  int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT), bytes = 1 << 24;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes);
  if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0) perror("netlink");
  return fd;
}

void know_present_disks(void) {
  DIR *directory = opendir("/sys/block");
  for (struct dirent *entry; directory && (entry = readdir(directory));)
    if (is_disk(entry->d_name)) link_by_id(entry->d_name), know(entry->d_name);
  if (directory) closedir(directory);
}
