#include "process.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <charconv>
#include <string_view>

#include "handle.h"

namespace hotplugd {

namespace {

constexpr std::size_t kPidFileBytes = 32;
constexpr std::size_t kStatBytes = 4096;
constexpr std::size_t kCommandLineBytes = 1 << 20;

// Empty on any error: every caller treats what cannot be read as not proven.
std::string readFile(const std::string& path, std::size_t limit) {
  // The run directory may belong to somebody else: neither follow a link nor wait at a FIFO.
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat found;
  if (!fd || ::fstat(fd.get(), &found) != 0 || !S_ISREG(found.st_mode)) return {};
  std::string bytes(limit, '\0');
  std::size_t length = 0;
  while (length < limit) {
    const auto count = ::read(fd.get(), bytes.data() + length, limit - length);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    length += static_cast<std::size_t>(count);
  }
  bytes.resize(length);
  return bytes;
}

std::optional<int> readPid(const std::string& path) {
  const auto bytes = readFile(path, kPidFileBytes);
  int pid = 0;
  const auto [end, error] = std::from_chars(bytes.data(), bytes.data() + bytes.size(), pid);
  if (error != std::errc() || pid <= 1) return std::nullopt;
  return pid;
}

// The command name, field 2, may itself hold blanks and parentheses: count from its last parenthesis.
std::string startTimeOf(int pid) {
  const auto bytes = readFile("/proc/" + std::to_string(pid) + "/stat", kStatBytes);
  const auto name = bytes.rfind(')');
  if (name == std::string::npos) return {};
  std::size_t at = name + 1;
  for (int field = 3; field <= 22; ++field) at = bytes.find_first_not_of(' ', bytes.find(' ', at));
  if (at == std::string::npos) return {};
  return bytes.substr(at, bytes.find(' ', at) - at);
}

bool runsDomain(int pid, const std::string& uuid) {
  using namespace std::string_literals;
  const auto arguments = readFile("/proc/" + std::to_string(pid) + "/cmdline", kCommandLineBytes);
  return arguments.find("\0-uuid\0"s + uuid + "\0"s) != std::string::npos;
}

std::optional<ProcessRef> prove(int pid, const std::string& uuid) {
  const auto before = startTimeOf(pid);
  // Read on both sides of the command line: the pid must not have changed hands in between.
  if (before.empty() || !runsDomain(pid, uuid) || startTimeOf(pid) != before) return std::nullopt;
  return ProcessRef{pid, before};
}

// libvirt makes the path of a pid file by the function that it writes XML with, so that the file of `a&b` is `a&amp;b.pid`.
std::string escaped(const std::string& name) {
  std::string text;
  for (const char sign : name) {
    switch (sign) {
      case '<': text += "&lt;"; break;
      case '>': text += "&gt;"; break;
      case '&': text += "&amp;"; break;
      case '"': text += "&quot;"; break;
      case '\'': text += "&apos;"; break;
      default: text += sign;
    }
  }
  return text;
}

}  // namespace

std::optional<ProcessRef> findQemu(const Whereabouts& whereabouts, const std::string& name, const std::string& uuid) {
  for (const auto& dir : whereabouts.runDirs) {
    // A system daemon keeps its pid files in qemu/, one of a session in qemu/run/.
    for (const char* place : {"/qemu/", "/qemu/run/"}) {
      const auto pid = readPid(dir + place + escaped(name) + ".pid");
      if (!pid) continue;
      if (auto process = prove(*pid, uuid)) return process;
    }
  }
  for (const int pid : whereabouts.pids) {
    if (auto process = prove(pid, uuid)) return process;
  }
  return std::nullopt;
}

}  // namespace hotplugd
