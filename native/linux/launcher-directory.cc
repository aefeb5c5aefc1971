#include "launcher-directory.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "descriptor.h"
#include "refusal.h"
#include "system-error.h"

namespace hotplugd {

Fd openFromNode(const LauncherDirectory& directory) {
  const Fd pods(::open(directory.podsDirectory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!pods) fail("open", directory.podsDirectory);
  try {
    return descendToDirectory(pods, {directory.podUid, "volumes", "kubernetes.io~empty-dir", "hotplug-disks"});
  } catch (const Refusal& refusal) {
    if (refusal.kind != "missing") throw;
    return Fd();
  }
}

Fd openFromLauncher(const Fd& process, const PlaceInPod& place, const LauncherDirectory& directory) {
  auto inside = openPlace(process, place);
  const auto outside = openFromNode(directory);
  if (!outside) throw SystemError{ESRCH, "openat2", directory.podUid};
  const auto seen = statOf(inside, place.mountPoint);
  const auto known = statOf(outside, directory.podUid);
  if (seen.st_dev != known.st_dev || seen.st_ino != known.st_ino) throw SystemError{ESTALE, "fstat", place.mountPoint};
  return inside;
}

bool isMounted(const Fd& entry, const Fd& directory) { return mountIdOf(entry) != mountIdOf(directory); }

}  // namespace hotplugd
