/*
 * The guest's only program: init, loader of modules, and the agent that answers the lab over a virtio-serial port.
 * One request a line, `ID VERB ARGUMENT…`; one answer a line, `ID ok JSON` or `ID error JSON-STRING`.
 * Whenever a disk comes, goes or changes, `event JSON` is sent without being asked. C and not a shell script because under
 * emulation a fork costs milliseconds and a guest may have hundreds of disks.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LINE_BYTES = 1 << 18, BLOCK_BYTES = 4096, CHURN_BLOCKS = 64, CHURNS = 64 };
static const char BY_ID[] = "/dev/disk/by-id/";

static int port = -1;
static char answer[LINE_BYTES * 2 + 256];

/* ---- small things ---- */

static ssize_t read_file(const char *path, char *to, size_t size) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  ssize_t n = read(fd, to, size - 1);
  close(fd);
  if (n < 0) return -1;
  to[n] = 0;
  return n;
}

static void write_file(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  if (write(fd, text, strlen(text)) < 0) perror(path);
  close(fd);
}

static uint64_t read_number(const char *path) {
  char text[64];
  return read_file(path, text, sizeof text) > 0 ? strtoull(text, NULL, 10) : 0;
}

/* ---- answers ---- */

static bool can_write(void) {
  struct pollfd wait = {.fd = port, .events = POLLOUT};
  return errno == EAGAIN && poll(&wait, 1, -1) == 1 && !(wait.revents & POLLHUP);
}

static void send_line(const char *line, size_t length) {
  while (length > 0) {
    ssize_t n = write(port, line, length);
    if (n < 0 && errno != EINTR && !can_write()) return; /* the lab hung up; it asks again when it is back */
    if (n <= 0) continue;
    line += n;
    length -= n;
  }
}

static size_t json_string(char *to, const char *from, size_t length) {
  char *start = to;
  *to++ = '"';
  for (size_t i = 0; i < length; i++) {
    unsigned char c = from[i];
    if (c == '"' || c == '\\' || c < 0x20 || c >= 0x7f) to += sprintf(to, "\\u%04x", c);
    else *to++ = c;
  }
  *to++ = '"';
  *to = 0;
  return to - start;
}

static void reply(const char *id, const char *json) {
  int n = snprintf(answer, sizeof answer, "%s ok %s\n", id, json);
  send_line(answer, n);
}

static void fail(const char *id, const char *format, ...) {
  char text[512], quoted[512 * 6];
  va_list arguments;
  va_start(arguments, format);
  int n = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  json_string(quoted, text, n < (int)sizeof text ? n : (int)sizeof text - 1);
  n = snprintf(answer, sizeof answer, "%s error %s\n", id, quoted);
  send_line(answer, n);
}

/* ---- disks ---- */

static bool is_disk(const char *name) {
  return (name[0] == 's' || name[0] == 'v') && name[1] == 'd';
}

/* SCSI: page 0x80, four bytes of header; virtio-blk has a file of its own. */
static size_t read_serial(const char *name, char *to, size_t size) {
  char path[300];
  snprintf(path, sizeof path, "/sys/block/%s/device/vpd_pg80", name);
  ssize_t n = read_file(path, to, size);
  if (n > 4) {
    memmove(to, to + 4, n - 4);
    to[n - 4] = 0;
    return n - 4;
  }
  snprintf(path, sizeof path, "/sys/block/%s/serial", name);
  n = read_file(path, to, size);
  return n > 0 ? (size_t)n : (to[0] = 0, 0);
}

static size_t disk_json(char *to, const char *name) {
  char path[300], serial[256], quoted[256 * 6], link[512] = "";
  json_string(quoted, serial, read_serial(name, serial, sizeof serial));
  snprintf(path, sizeof path, "/sys/block/%s/device", name);
  if (readlink(path, link, sizeof link - 1) < 0) link[0] = 0;
  const char *address = strrchr(link, '/');
  snprintf(path, sizeof path, "/sys/block/%s/size", name);
  uint64_t sectors = read_number(path);
  snprintf(path, sizeof path, "/sys/block/%s/ro", name);
  return sprintf(to, "{\"name\":\"%s\",\"serial\":%s,\"sizeBytes\":%llu,\"readonly\":%s,\"address\":\"%s\"}", name, quoted,
                 (unsigned long long)sectors * 512, read_number(path) ? "true" : "false", address ? address + 1 : "");
}

static void list_disks(const char *id) {
  static char json[LINE_BYTES];
  char *to = json;
  *to++ = '[';
  DIR *directory = opendir("/sys/block");
  for (struct dirent *entry; directory && (entry = readdir(directory));) {
    if (!is_disk(entry->d_name) || to - json > LINE_BYTES - 4096) continue;
    if (to > json + 1) *to++ = ',';
    to += disk_json(to, entry->d_name);
  }
  if (directory) closedir(directory);
  strcpy(to, "]");
  reply(id, json);
}

/* Finds the disk with that serial; more than one is an error of its own. Returns false after having answered. */
static bool find_disk(const char *id, const char *serial, char *path, size_t size) {
  char found[256], name[256] = "";
  DIR *directory = opendir("/sys/block");
  int count = 0;
  for (struct dirent *entry; directory && (entry = readdir(directory));) {
    if (!is_disk(entry->d_name)) continue;
    read_serial(entry->d_name, found, sizeof found);
    if (strcmp(found, serial) == 0 && count++ == 0) strcpy(name, entry->d_name);
  }
  if (directory) closedir(directory);
  if (count != 1) return fail(id, "%d disks have serial %s", count, serial), false;
  snprintf(path, size, "/dev/%s", name);
  return true;
}

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

static void hear_kernel(int netlink) {
  char message[8192];
  ssize_t n = recv(netlink, message, sizeof message - 1, MSG_DONTWAIT);
  if (n <= 0) return;
  message[n] = 0;
  const char *action = field(message, n, "ACTION="), *name = field(message, n, "DEVNAME=");
  if (strcmp(field(message, n, "DEVTYPE="), "disk") != 0 || !is_disk(name)) return;
  if (strcmp(action, "remove") == 0) unlink_by_id(name);
  else link_by_id(name);
  announce(action, name);
}

/* ---- bytes ---- */

static size_t from_hex(const char *hex, char *to) {
  size_t n = 0;
  for (unsigned value; sscanf(hex + 2 * n, "%2x", &value) == 1 && hex[2 * n + 1]; n++) to[n] = value;
  return n;
}

static void write_bytes(const char *id, const char *path, off_t offset, const char *hex) {
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
static void read_bytes(const char *id, const char *path, off_t offset, size_t length) {
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

/* ---- a writer beside everything else, to see whether the guest ever gets an I/O error ---- */

struct churn {
  char serial[64];
  pid_t pid;
  struct { volatile uint64_t written, errors; } *seen; /* shared with the writer */
};
static struct churn churns[CHURNS];

static void churn_forever(struct churn *churn, const char *path) {
  char *block;
  if (posix_memalign((void **)&block, BLOCK_BYTES, BLOCK_BYTES) != 0) _exit(1);
  memset(block, 0xa5, BLOCK_BYTES);
  int fd = open(path, O_WRONLY | O_DIRECT | O_SYNC | O_CLOEXEC);
  for (uint64_t i = 0;; i++) {
    memcpy(block, &i, sizeof i);
    ssize_t n = pwrite(fd, block, BLOCK_BYTES, (off_t)(i % CHURN_BLOCKS) * BLOCK_BYTES);
    if (n == BLOCK_BYTES) churn->seen->written++;
    else churn->seen->errors++, usleep(10000);
  }
}

static struct churn *churn_of(const char *serial) {
  for (int i = 0; i < CHURNS; i++)
    if (churns[i].pid && strcmp(churns[i].serial, serial) == 0) return &churns[i];
  return NULL;
}

static void churn_start(const char *id, const char *serial) {
  char path[300];
  int free = 0;
  if (churn_of(serial)) return fail(id, "%s is being written already", serial);
  if (!find_disk(id, serial, path, sizeof path)) return;
  while (free < CHURNS && churns[free].pid) free++;
  if (free == CHURNS) return fail(id, "at most %d writers", CHURNS);
  struct churn *churn = &churns[free];
  snprintf(churn->serial, sizeof churn->serial, "%s", serial);
  if (!churn->seen) churn->seen = mmap(NULL, BLOCK_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  churn->seen->written = churn->seen->errors = 0;
  churn->pid = fork();
  if (churn->pid == 0) churn_forever(churn, path);
  reply(id, "true");
}

static void churn_report(const char *id, const char *serial, bool stop) {
  char json[128];
  struct churn *churn = churn_of(serial);
  if (!churn) return fail(id, "%s is not being written", serial);
  if (stop) {
    kill(churn->pid, SIGKILL);
    waitpid(churn->pid, NULL, 0);
    churn->pid = 0;
  }
  sprintf(json, "{\"writtenBlocks\":%llu,\"errors\":%llu}", (unsigned long long)churn->seen->written,
          (unsigned long long)churn->seen->errors);
  reply(id, json);
}

/* ---- the rest ---- */

static void run_shell(const char *id, const char *hex) {
  static char command[LINE_BYTES / 2], output[LINE_BYTES / 8], json[LINE_BYTES];
  command[from_hex(hex, command)] = 0;
  setenv("COMMAND", command, 1);
  FILE *shell = popen("exec 2>&1; eval \"$COMMAND\"", "r");
  if (!shell) return fail(id, "popen: %s", strerror(errno));
  size_t n = fread(output, 1, sizeof output - 1, shell);
  while (getc(shell) != EOF) continue;
  int status = pclose(shell);
  char *to = json + sprintf(json, "{\"exitCode\":%d,\"output\":", WIFEXITED(status) ? WEXITSTATUS(status) : 128);
  to += json_string(to, output, n);
  strcpy(to, "}");
  reply(id, json);
}

static void count_errors(const char *id) {
  static char log[1 << 18];
  char json[32];
  int n = klogctl(3 /* SYSLOG_ACTION_READ_ALL */, log, sizeof log - 1), count = 0;
  log[n > 0 ? n : 0] = 0;
  for (const char *at = log; (at = strstr(at, "I/O error")); at++) count++;
  sprintf(json, "%d", count);
  reply(id, json);
}

static void tell_boot(const char *id) {
  char boot[64] = "", uptime[64] = "", json[256];
  read_file("/proc/sys/kernel/random/boot_id", boot, sizeof boot);
  read_file("/proc/uptime", uptime, sizeof uptime);
  boot[strcspn(boot, "\n")] = 0;
  sprintf(json, "{\"bootId\":\"%s\",\"uptimeSeconds\":%.2f}", boot, strtod(uptime, NULL));
  reply(id, json);
}

static void rescan(const char *id) {
  char path[300];
  DIR *directory = opendir("/sys/class/scsi_host");
  for (struct dirent *entry; directory && (entry = readdir(directory));) {
    snprintf(path, sizeof path, "/sys/class/scsi_host/%s/scan", entry->d_name);
    if (entry->d_name[0] != '.') write_file(path, "- - -");
  }
  if (directory) closedir(directory);
  reply(id, "true");
}

static void leave(const char *id, int how) {
  reply(id, "true");
  sync();
  reboot(how);
}

static void on_disk(const char *id, const char *verb, const char *serial, char *rest) {
  char path[300];
  char *second = strchr(rest, ' ');
  if (!second) return fail(id, "%s wants SERIAL OFFSET and bytes or a length", verb);
  if (!find_disk(id, serial, path, sizeof path)) return;
  off_t offset = strtoll(rest, NULL, 10);
  if (strcmp(verb, "write") == 0) write_bytes(id, path, offset, second + 1);
  else read_bytes(id, path, offset, strtoull(second + 1, NULL, 10));
}

/* Cuts the next word off; the rest, or an empty string, remains. */
static char *word(char **line) {
  char *start = *line, *end = strchr(start, ' ');
  if (end) *end = 0, *line = end + 1;
  else *line = start + strlen(start);
  return start;
}

static void obey(char *line) {
  char *id = word(&line), *verb = word(&line), *first = word(&line);
  if (*verb == 0) return; /* the rest of a request whose sender hung up */
  if (strcmp(verb, "disks") == 0) list_disks(id);
  else if (strcmp(verb, "read") == 0 || strcmp(verb, "write") == 0) on_disk(id, verb, first, line);
  else if (strcmp(verb, "churn") == 0 && strcmp(line, "start") == 0) churn_start(id, first);
  else if (strcmp(verb, "churn") == 0) churn_report(id, first, strcmp(line, "stop") == 0);
  else if (strcmp(verb, "shell") == 0) run_shell(id, first);
  else if (strcmp(verb, "errors") == 0) count_errors(id);
  else if (strcmp(verb, "boot") == 0) tell_boot(id);
  else if (strcmp(verb, "rescan") == 0) rescan(id);
  else if (strcmp(verb, "reboot") == 0) leave(id, RB_AUTOBOOT);
  else if (strcmp(verb, "poweroff") == 0) leave(id, RB_POWER_OFF);
  else fail(id, "unknown verb %s", verb);
}

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

static int open_netlink(void) {
  struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = 1};
  int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT), bytes = 1 << 20;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes);
  if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0) perror("netlink");
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
  mkdir(BY_ID, 0755);
  setenv("PATH", "/bin", 1);
  /* the kernel found no console in the initramfs, so 0, 1 and 2 are still free */
  int console = open("/dev/console", O_RDWR);
  dup2(console, 1);
  dup2(console, 2);
}

static void link_present_disks(void) {
  DIR *directory = opendir("/sys/block");
  for (struct dirent *entry; directory && (entry = readdir(directory));)
    if (is_disk(entry->d_name)) link_by_id(entry->d_name);
  if (directory) closedir(directory);
}

int main(void) {
  set_up();
  int netlink = open_netlink();
  load_modules();
  link_present_disks();
  while ((port = open_port()) < 0) usleep(10000);
  for (bool connected = true;;) {
    struct pollfd wait[2] = {{.fd = netlink, .events = POLLIN}, {.fd = connected ? port : -1, .events = POLLIN}};
    poll(wait, 2, connected ? -1 : 20);
    if (wait[0].revents) hear_kernel(netlink);
    if (wait[1].revents || !connected) connected = hear_port();
  }
}
