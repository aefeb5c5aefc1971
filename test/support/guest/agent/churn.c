#include "agent.h"
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum { BLOCK_BYTES = 4096, CHURN_BLOCKS = 64, CHURNS = 64 };

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

void churn_start(const char *id, const char *serial) {
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

void churn_report(const char *id, const char *serial, bool stop) {
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
