#include "beneath.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "descriptor.h"
#include "device.h"
#include "refusal.h"
#include "system-error.h"

namespace hotplugd {
namespace {

std::string joined(const Steps& steps, size_t count) {
  std::string path;
  for (size_t step = 0; step < count; ++step) path += (step == 0 ? "" : "/") + steps[step];
  return path;
}

}  // namespace

void refuseUnsafe(const Fd& found, const struct stat& status, const std::string& path) {
  const bool isLink = S_ISLNK(status.st_mode);
  throw Refusal{"unsafe", path, kindOf(status.st_mode), isLink ? linkTarget(found) : ""};
}

Fd entryBelow(const Fd& directory, const std::string& name) {
  open_how how{};
  how.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  Fd fd(static_cast<int>(::syscall(SYS_openat2, directory.get(), name.c_str(), &how, sizeof how)));
  if (!fd && errno != ENOENT) fail("openat2", name);
  return fd;
}

Fd descend(const Fd& directory, const Steps& steps) {
  Fd at;
  for (size_t step = 0; step < steps.size(); ++step) {
    const auto path = joined(steps, step + 1);
    at = entryBelow(step == 0 ? directory : at, steps[step]);
    if (!at) throw Refusal{"missing", path, steps[step]};
    const auto status = statOf(at, path);
    const bool isLast = step + 1 == steps.size();
    if (S_ISLNK(status.st_mode) || (!isLast && !S_ISDIR(status.st_mode))) refuseUnsafe(at, status, path);
  }
  return at;
}

Fd descendToDirectory(const Fd& directory, const Steps& steps) {
  auto at = descend(directory, steps);
  const auto path = joined(steps, steps.size());
  const auto status = statOf(at, path);
  if (!S_ISDIR(status.st_mode)) refuseUnsafe(at, status, path);
  return at;
}

std::vector<std::string> namesBelow(const Fd& directory) {
  std::vector<std::string> names;
  Fd readable(::openat(directory.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!readable) fail("openat", ".");
  const Handle<DIR, ::closedir> entries(::fdopendir(readable.release()));
  if (!entries) fail("fdopendir", ".");
  while (const auto* entry = ::readdir(entries.get())) {
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  }
  return names;
}

std::uint64_t mountIdOf(const Fd& fd) {
  struct statx found {};
  constexpr int kFlags = AT_EMPTY_PATH | AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT;
  if (::statx(fd.get(), "", kFlags, STATX_MNT_ID, &found) != 0) fail("statx", "");
  if ((found.stx_mask & STATX_MNT_ID) == 0) throw SystemError{ENOSYS, "statx", "STATX_MNT_ID"};
  return found.stx_mnt_id;
}

}  // namespace hotplugd
