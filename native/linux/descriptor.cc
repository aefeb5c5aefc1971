#include "descriptor.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <climits>

#include "system-error.h"

namespace hotplugd {
namespace {

Fd openPath(const std::string& path, int flags) {
  Fd fd(::open(path.c_str(), O_PATH | O_CLOEXEC | flags));
  if (!fd) fail("open", path);
  return fd;
}

std::string ownLink(const Fd& fd) { return "/proc/self/fd/" + std::to_string(fd.get()); }

}  // namespace

Fd openPathFollowingLinks(const std::string& path) { return openPath(path, 0); }

Fd openPathNotLast(const std::string& path) { return openPath(path, O_NOFOLLOW); }

Fd openPathBeneath(const Fd& directory, const char* name) {
  open_how how{};
  how.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
  Fd fd(static_cast<int>(::syscall(SYS_openat2, directory.get(), name, &how, sizeof how)));
  if (!fd) fail("openat2", name);
  return fd;
}

Fd reopenProven(const Fd& path, int flags) {
  // The kernel jumps straight to the open object here: no name is looked up, so nothing can be put in between.
  const auto link = ownLink(path);
  Fd fd(::open(link.c_str(), flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd) fail("open", link);
  return fd;
}

struct stat statOf(const Fd& fd, const std::string& operand) {
  struct stat result {};
  if (::fstat(fd.get(), &result) != 0) fail("fstat", operand);
  return result;
}

std::string linkTarget(const Fd& link) {
  std::array<char, PATH_MAX> buffer;
  const auto length = ::readlinkat(link.get(), "", buffer.data(), buffer.size());
  if (length < 0) fail("readlinkat", "");
  return {buffer.data(), static_cast<size_t>(length)};
}

std::string pathOf(const Fd& fd) {
  std::array<char, PATH_MAX> buffer;
  const auto link = ownLink(fd);
  const auto length = ::readlink(link.c_str(), buffer.data(), buffer.size());
  if (length < 0) fail("readlink", link);
  return {buffer.data(), static_cast<size_t>(length)};
}

void proveName(const std::string& name, const struct stat& proven, int flags) {
  struct stat there {};
  const bool found = ::fstatat(AT_FDCWD, name.c_str(), &there, flags) == 0;
  if (!found || there.st_dev != proven.st_dev || there.st_ino != proven.st_ino) {
    throw SystemError{ESTALE, "fstatat", name};
  }
}

std::optional<std::string> readText(int directory, const char* name) {
  const Fd file(::openat(directory, name, O_RDONLY | O_CLOEXEC));
  if (!file) return std::nullopt;
  std::array<char, PATH_MAX> buffer;
  const auto length = ::read(file.get(), buffer.data(), buffer.size());
  if (length < 0) return std::nullopt;
  std::string text(buffer.data(), static_cast<size_t>(length));
  if (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

}  // namespace hotplugd
