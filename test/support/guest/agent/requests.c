#include "agent.h"
#include <sys/klog.h>
#include <sys/reboot.h>
#include <sys/wait.h>

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

void obey(char *line) {
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
