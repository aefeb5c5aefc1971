// A QEMU seen from outside, safe against reuse of its pid.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "handle.h"

namespace hotplugd {

struct ProcessQuestion {
  std::string procRoot;
  pid_t pid;
  // Field 22 of /proc/PID/stat.
  std::string startTime;
};

// What /proc/PID/stat tells.
struct Condition {
  std::string name;
  char state;
  std::string startTime;

  bool hasEnded() const { return state == 'Z' || state == 'X'; }
};

// The process's directory in /proc, which stays with it; an invalid descriptor: gone. Not compared with the start time.
Fd openProcess(const ProcessQuestion& question);
// Of the process with that directory; nothing once it is gone.
std::optional<Condition> conditionOf(int process);

struct OpenObject {
  bool isBlock;
  // A block device's number, or the file's file system.
  dev_t device;
  ino_t inode;
};

// A process whose main thread ended while others still run (stuck in I/O, killed) is alive: its files are still open.
bool isAlive(const ProcessQuestion& question);
// Throws SystemError (EACCES, EPERM, …) rather than answer what it could not see.
bool holdsOpen(const ProcessQuestion& question, const OpenObject& object);

}  // namespace hotplugd
