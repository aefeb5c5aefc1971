#include "process-of-pod.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "pod-cgroup.h"
#include "system-error.h"

namespace hotplugd {
namespace {

// A magic link of /proc, which the kernel follows straight to the object.
Fd openOf(const Fd& process, const char* name, int flags) {
  Fd fd(::openat(process.get(), name, flags | O_CLOEXEC));
  if (!fd && errno == ENOENT) errno = ESRCH;
  if (!fd) fail("openat", name);
  return fd;
}

bool isListed(const ProcessOfPod& wanted) {
  const auto pids = processesIn(wanted.cgroup);
  return std::find(pids.begin(), pids.end(), wanted.process.pid) != pids.end();
}

bool isRunning(const Fd& process, const ProcessQuestion& wanted) {
  const auto condition = conditionOf(process.get());
  return condition && condition->startTime == wanted.startTime && !condition->hasEnded();
}

}  // namespace

Fd openProcessOfPod(const ProcessOfPod& wanted) {
  const auto path = wanted.process.procRoot + "/" + std::to_string(wanted.process.pid);
  auto process = openProcess(wanted.process);
  // Listed while it lived: so it is this process that is listed, not an earlier or later one of that pid.
  const bool proven = process && isRunning(process, wanted.process) && isListed(wanted) && isRunning(process, wanted.process);
  if (!proven) throw SystemError{ESRCH, "openat", path};
  return process;
}

Fd mountNamespaceOf(const Fd& process) { return openOf(process, "ns/mnt", O_RDONLY); }

Fd rootOf(const Fd& process) { return openOf(process, "root", O_PATH | O_DIRECTORY); }

Fd openPlace(const Fd& process, const PlaceInPod& place) {
  const auto root = rootOf(process);
  const auto name = place.mountPoint.substr(std::min(place.mountPoint.find_first_not_of('/'), place.mountPoint.size()));
  open_how how{};
  how.flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  Fd directory(static_cast<int>(::syscall(SYS_openat2, root.get(), name.c_str(), &how, sizeof how)));
  const bool isGone = !directory && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP);
  if (!directory && !isGone) fail("openat2", place.mountPoint);
  if (isGone || mountIdOf(directory) != place.mountId) throw SystemError{ESTALE, "openat2", place.mountPoint};
  return directory;
}

}  // namespace hotplugd
