#include "process.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <optional>
#include <vector>

#include "descriptor.h"
#include "handle.h"
#include "system-error.h"

namespace hotplugd {
namespace {

// A descriptor that goes away under the look may have moved to a number not listed yet, so it is looked again. A process
// that opens and closes all the time is believed after a few rounds, if only its table was there to the end.
constexpr int kStrictRounds = 3;
constexpr int kRounds = 6;

bool means(int number, std::initializer_list<int> numbers) {
  return std::find(numbers.begin(), numbers.end(), number) != numbers.end();
}

// The directory stays with its process: once that is gone, every look into it says so, whoever has the pid now.
// An invalid descriptor: gone.
Fd openBelow(int at, const std::string& name, int flags) {
  Fd fd(::openat(at, name.c_str(), flags | O_CLOEXEC));
  if (!fd && !means(errno, {ENOENT, ESRCH})) fail("openat", name);
  return fd;
}

// The name in brackets may hold anything, so fields are counted from the last bracket: state is 3, start time is 22.
std::optional<Condition> parseStat(const std::string& text) {
  const auto open = text.find('(');
  auto at = text.rfind(')');
  if (open == std::string::npos || at == std::string::npos || at + 2 >= text.size()) return std::nullopt;
  const auto name = text.substr(open + 1, at - open - 1);
  const char state = text[at + 2];
  for (int field = 2; field < 22; ++field) {
    at = text.find(' ', at + 1);
    if (at == std::string::npos) return std::nullopt;
  }
  return Condition{name, state, text.substr(at + 1, text.find(' ', at + 1) - at - 1)};
}

// Numeric entries of a directory, the highest first. A directory that is gone has none.
std::vector<int> numbersIn(int at, const std::string& name) {
  std::vector<int> numbers;
  auto directory = openBelow(at, name, O_RDONLY | O_DIRECTORY);
  if (!directory) return numbers;
  const Handle<DIR, ::closedir> entries(::fdopendir(directory.release()));
  if (!entries) fail("fdopendir", name);
  for (errno = 0; const auto* entry = ::readdir(entries.get()); errno = 0) {
    if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9') numbers.push_back(std::atoi(entry->d_name));
  }
  if (errno != 0 && !means(errno, {ENOENT, ESRCH})) fail("readdir", name);
  std::sort(numbers.begin(), numbers.end(), std::greater<>());
  return numbers;
}

bool isObject(const struct statx& open, const OpenObject& object) {
  if (object.isBlock) {
    return S_ISBLK(open.stx_mode) && makedev(open.stx_rdev_major, open.stx_rdev_minor) == object.device;
  }
  return open.stx_ino == object.inode && makedev(open.stx_dev_major, open.stx_dev_minor) == object.device;
}

enum class Look {
  Open,
  // Every descriptor was seen, and it is none of them.
  NotOpen,
  // Descriptors went away under the look, or there are none: a thread that ends loses its table before its life.
  Unsure,
};

// By the open object itself, never by its path, which is of the process's own mount namespace. What was opened last
// is looked at first. Cached attributes do: device and inode do not change, and a dead server must not be asked.
Look lookForOpen(int process, const std::string& descriptors, const OpenObject& object, bool strict) {
  const auto numbers = numbersIn(process, descriptors);
  Look look = numbers.empty() ? Look::Unsure : Look::NotOpen;
  for (const int number : numbers) {
    const auto name = descriptors + "/" + std::to_string(number);
    struct statx open {};
    constexpr int kFlags = AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC;
    if (::statx(process, name.c_str(), kFlags, STATX_TYPE | STATX_INO, &open) == 0) {
      if (isObject(open, object)) return Look::Open;
      if (!strict) look = Look::NotOpen;
    } else {
      if (!means(errno, {ENOENT, ESRCH})) fail("statx", name);
      look = Look::Unsure;
    }
  }
  return look;
}

std::vector<int> livingThreads(int process) {
  std::vector<int> living;
  for (const int thread : numbersIn(process, "task")) {
    const auto directory = openBelow(process, "task/" + std::to_string(thread), O_PATH | O_DIRECTORY);
    const auto condition = directory ? conditionOf(directory.get()) : std::nullopt;
    if (condition && !condition->hasEnded()) living.push_back(thread);
  }
  return living;
}

// The threads share one table of descriptors; any one of them that can be seen whole tells for all.
Look lookThroughThreads(int process, const OpenObject& object, bool strict) {
  const auto look = lookForOpen(process, "fd", object, strict);
  if (look != Look::Unsure) return look;
  const auto threads = livingThreads(process);
  for (const int thread : threads) {
    const auto again = lookForOpen(process, "task/" + std::to_string(thread) + "/fd", object, strict);
    if (again != Look::Unsure) return again;
  }
  return threads.empty() ? Look::NotOpen : Look::Unsure;
}

// The very process that is meant, in whatever condition.
std::optional<Condition> thatProcess(const Fd& process, const ProcessQuestion& question) {
  if (!process) return std::nullopt;
  auto condition = conditionOf(process.get());
  if (!condition || condition->startTime != question.startTime) return std::nullopt;
  return condition;
}

}  // namespace

Fd openProcess(const ProcessQuestion& question) {
  return openBelow(AT_FDCWD, question.procRoot + "/" + std::to_string(question.pid), O_PATH | O_DIRECTORY);
}

std::optional<Condition> conditionOf(int process) {
  const auto file = openBelow(process, "stat", O_RDONLY);
  if (!file) return std::nullopt;
  char buffer[4096];
  const auto length = ::read(file.get(), buffer, sizeof buffer);
  if (length < 0 && errno != ESRCH) fail("read", "stat");
  return length <= 0 ? std::nullopt : parseStat(std::string(buffer, static_cast<size_t>(length)));
}

bool isAlive(const ProcessQuestion& question) {
  const auto process = openProcess(question);
  const auto condition = thatProcess(process, question);
  return condition && (!condition->hasEnded() || !livingThreads(process.get()).empty());
}

bool holdsOpen(const ProcessQuestion& question, const OpenObject& object) {
  const auto process = openProcess(question);
  const auto condition = thatProcess(process, question);
  if (!condition || (condition->hasEnded() && livingThreads(process.get()).empty())) return false;
  for (int round = 0; round < kRounds; ++round) {
    const auto look = lookThroughThreads(process.get(), object, round < kStrictRounds);
    if (look != Look::Unsure) return look == Look::Open;
  }
  throw SystemError{EAGAIN, "readdir", question.procRoot + "/" + std::to_string(question.pid) + "/fd"};
}

}  // namespace hotplugd
