#include "agent.h"

enum { DISKS = 512 };

static char known[DISKS][32];

bool is_disk(const char *name) {
  return (name[0] == 's' || name[0] == 'v') && name[1] == 'd' && strlen(name) < sizeof known[0];
}

static char *slot_of(const char *name) {
  for (int i = 0; i < DISKS; i++)
    if (strcmp(known[i], name) == 0) return known[i];
  return NULL;
}

/* A disk is in /sys before it is complete: only those that the kernel has announced count. */
static bool is_known(const char *name) { return is_disk(name) && slot_of(name); }

void know(const char *name) {
  char *slot = slot_of(name);
  if (!slot) slot = slot_of("");
  if (slot) strcpy(slot, name);
}

void forget(const char *name) {
  char *slot = slot_of(name);
  if (slot) slot[0] = 0;
}

void forget_all(void) { memset(known, 0, sizeof known); }

/* SCSI: page 0x80, four bytes of header; virtio-blk has a file of its own. */
size_t read_serial(const char *name, char *to, size_t size) {
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

size_t disk_json(char *to, const char *name) {
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

void list_disks(const char *id) {
  static char json[LINE_BYTES];
  char *to = json;
  *to++ = '[';
  DIR *directory = opendir("/sys/block");
  for (struct dirent *entry; directory && (entry = readdir(directory));) {
    if (!is_known(entry->d_name) || to - json > LINE_BYTES - 4096) continue;
    if (to > json + 1) *to++ = ',';
    to += disk_json(to, entry->d_name);
  }
  if (directory) closedir(directory);
  strcpy(to, "]");
  reply(id, json);
}

/* Finds the disk with that serial; more than one is an error of its own. Returns false after having answered. */
bool find_disk(const char *id, const char *serial, char *path, size_t size) {
  char found[256], name[256] = "";
  DIR *directory = opendir("/sys/block");
  int count = 0;
  for (struct dirent *entry; directory && (entry = readdir(directory));) {
    if (!is_known(entry->d_name)) continue;
    read_serial(entry->d_name, found, sizeof found);
    if (strcmp(found, serial) == 0 && count++ == 0) strcpy(name, entry->d_name);
  }
  if (directory) closedir(directory);
  if (count != 1) return fail(id, "%d disks have serial %s", count, serial), false;
  snprintf(path, size, "/dev/%s", name);
  return true;
}
