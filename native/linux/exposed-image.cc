#include "exposed-image.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>

#include "descriptor.h"
#include "device.h"
#include "namespaces.h"
#include "refusal.h"
#include "system-error.h"

namespace hotplugd {
namespace {

Render done() {
  return [](Napi::Env env) -> Napi::Value {
    auto value = Napi::Object::New(env);
    value.Set("kind", "done");
    return value;
  };
}

std::string numberText(const struct stat& status) {
  return inodeKey(status.st_dev, status.st_ino);
}

Fd openProvenImage(const Fd& process, const ImageToExpose& request, struct stat& status) {
  const auto volume = openPlace(process, request.volume);
  auto image = openDiskImage(volume, request.volume.mountPoint, status);
  if (!isFile(status, request.image)) throw Refusal{"changed", request.volume.mountPoint, numberText(status)};
  return image;
}

// The empty file to mount on. An invalid descriptor: the image is there already.
Fd placeholder(const Fd& directory, const std::string& name, const FileNumber& image) {
  constexpr int kFlags = O_CREAT | O_EXCL | O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  Fd made(::openat(directory.get(), name.c_str(), kFlags, 0644));
  if (made) return made;
  if (errno != EEXIST) fail("openat", name);
  auto found = entryBelow(directory, name);
  if (!found) throw Refusal{"changed", name, "nothing"};
  const auto status = statOf(found, name);
  if (isMounted(found, directory)) {
    if (isFile(status, image)) return Fd();
    throw Refusal{"other", name, numberText(status)};
  }
  if (!S_ISREG(status.st_mode)) refuseUnsafe(found, status, name);
  if (status.st_size != 0) throw Refusal{"unsafe", name, "regular file with bytes of its own"};
  return found;
}

// ENOENT: the file, or the one it is to be mounted on, has no name any more.
[[noreturn]] void failBinding(const char* call, const std::string& name) {
  if (errno == ENOENT) throw Refusal{"changed", name, "file that was removed"};
  fail(call, name);
}

void bind(const Fd& image, const Fd& from, const Fd& to, const Fd& target) {
  apart([&] {
    enterMountNamespace(from);
    const Fd clone(::open_tree(image.get(), "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH));
    if (!clone) failBinding("open_tree", "disk.img");
    enterMountNamespace(to);
    constexpr unsigned kFlags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
    if (::move_mount(clone.get(), "", target.get(), "", kFlags) != 0) failBinding("move_mount", "hotplug-disks");
  });
}

// Whether that image is what the name leads to, over the top of whatever else is mounted there.
bool isOnTop(const Fd& directory, const std::string& name, const FileNumber& image) {
  const auto found = entryBelow(directory, name);
  return found && isMounted(found, directory) && isFile(statOf(found, name), image);
}

// Renaming what something is mounted on is refused in that namespace, so name and mount stay together.
void unmountAll(const Fd& launcher, const Fd& directory, const ImageToWithdraw& request) {
  apart([&] {
    enterMountNamespace(launcher);
    if (::fchdir(directory.get()) != 0) fail("fchdir", "hotplug-disks");
    while (isOnTop(directory, request.name, request.image)) {
      if (::umount2(request.name.c_str(), UMOUNT_NOFOLLOW) != 0) fail("umount2", request.name);
    }
    const auto left = entryBelow(directory, request.name);
    if (left && isMounted(left, directory)) throw Refusal{"other", request.name, numberText(statOf(left, request.name))};
  });
}

// Only an empty file: with bytes it was never one of ours.
void removePlaceholder(const LauncherDirectory& place, const std::string& name) {
  const auto directory = openFromNode(place);
  const auto found = directory ? entryBelow(directory, name) : Fd();
  if (!found) return;
  const auto status = statOf(found, name);
  if (!S_ISREG(status.st_mode) || status.st_size != 0 || isMounted(found, directory)) return;
  if (::unlinkat(directory.get(), name.c_str(), 0) != 0 && errno != ENOENT) fail("unlinkat", name);
}

Render expose(const ImageToExpose& request) {
  struct stat status {};
  const auto attachment = openProcessOfPod(request.volume.process);
  const auto image = openProvenImage(attachment, request, status);
  const auto launcher = openProcessOfPod(request.launcher.process);
  const auto directory = openFromLauncher(launcher, request.launcher, request.directory);
  const auto target = placeholder(directory, request.name, request.image);
  if (target) bind(image, mountNamespaceOf(attachment), mountNamespaceOf(launcher), target);
  if (!isOnTop(directory, request.name, request.image)) throw Refusal{"changed", request.name, "another file"};
  giveTo(image, status, request.owner);
  return done();
}

Render withdraw(const ImageToWithdraw& request) {
  if (request.launcher) {
    const auto launcher = openProcessOfPod(request.launcher->process);
    const auto directory = openFromLauncher(launcher, *request.launcher, request.directory);
    unmountAll(mountNamespaceOf(launcher), directory, request);
  }
  removePlaceholder(request.directory, request.name);
  return done();
}

}  // namespace

Render exposeImage(const ImageToExpose& request) {
  return orRefusal([&] { return expose(request); });
}

Render withdrawImage(const ImageToWithdraw& request) {
  return orRefusal([&] { return withdraw(request); });
}

}  // namespace hotplugd
