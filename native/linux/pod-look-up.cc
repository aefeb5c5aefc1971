#include "pod-look-up.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <set>

#include "beneath.h"
#include "descriptor.h"
#include "device.h"
#include "filesystem.h"
#include "footprint.h"
#include "pod-image.h"
#include "refusal.h"
#include "system-error.h"

namespace hotplugd {
namespace {

Fd openDirectory(const std::string& path) {
  Fd fd(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd) fail("open", path);
  return fd;
}

// What a path of the host leads to, seen from the root of its first process; from the agent's own where that may not be
// looked into, since then it is no container of a node.
Fd openOnHost(const std::string& procRoot, const std::string& path) {
  Fd root(::open((procRoot + "/1/root").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root) root = openDirectory("/");
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  return Fd(static_cast<int>(::syscall(SYS_openat2, root.get(), path.c_str(), &how, sizeof how)));
}

void addIfDevice(const Fd& found, std::set<dev_t>& devices) {
  struct stat status {};
  if (found && ::fstat(found.get(), &status) == 0 && S_ISBLK(status.st_mode)) devices.insert(status.st_rdev);
}

// <pods>/<uid>/volumeDevices/<plugin>/<pv>, each a link to a device. Only the kubelet can write there.
std::set<dev_t> kubeletDevices(const Fd& pods, const PodDeviceQuestion& question) {
  std::set<dev_t> devices;
  const auto pod = entryBelow(pods, question.podUid);
  const auto plugins = pod ? entryBelow(pod, "volumeDevices") : Fd();
  if (!plugins) return devices;
  for (const auto& name : namesBelow(plugins)) {
    const auto plugin = entryBelow(plugins, name);
    if (!plugin || !S_ISDIR(statOf(plugin, name).st_mode)) continue;
    for (const auto& volume : namesBelow(plugin)) {
      const auto entry = entryBelow(plugin, volume);
      const bool isLink = entry && S_ISLNK(statOf(entry, volume).st_mode);
      addIfDevice(isLink ? openOnHost(question.procRoot, linkTarget(entry)) : Fd(), devices);
    }
  }
  return devices;
}

std::string onlyEntry(const Fd& pods, const Steps& steps) {
  const auto names = namesBelow(descendToDirectory(pods, steps));
  if (names.size() != 1) throw Refusal{"missing", steps.back(), std::to_string(names.size()) + " entries"};
  return names.front();
}

Fd openNode(const Fd& pods, const PodDeviceQuestion& question, struct stat& status) {
  Steps steps{question.podUid, "volumes", "kubernetes.io~empty-dir", "hotplug-disks", question.volume};
  steps.push_back(question.claimUid ? *question.claimUid : onlyEntry(pods, steps));
  auto node = descend(pods, steps);
  status = statOf(node, steps.back());
  const auto path = question.volume + "/" + steps.back();
  if (!S_ISBLK(status.st_mode)) refuseUnsafe(node, status, path);
  return node;
}

Render lookUpDevice(const PodDeviceQuestion& question) {
  const auto pods = openDirectory(question.podsDirectory);
  struct stat status {};
  const auto node = openNode(pods, question, status);
  const auto number = status.st_rdev;
  const auto& sysfs = question.sysfs;
  if (!sysfs.device(number)) throw Refusal{"noDevice", question.volume, deviceText(number)};
  const auto diskseq = sysfs.diskseq(number);
  // Before the footprint: a loop device has a size only once it is known what it stands for.
  const auto size = sysfs.sizeBytes(number).value_or(0);
  auto footprint = footprintOfDevice(sysfs, number);
  // With part of it unknown, nobody could tell whether another VM has the same bytes.
  if (!footprint.isComplete) throw SystemError{ETIMEDOUT, "ioctl", deviceText(number)};
  // Another disk came under the number while it was looked at.
  if (sysfs.diskseq(number) != diskseq) throw Refusal{"changed", question.volume, deviceText(number)};
  return [=, devices = kubeletDevices(pods, question)](Napi::Env env) -> Napi::Value {
    auto value = Napi::Object::New(env);
    auto list = Napi::Array::New(env);
    for (const auto device : devices) list.Set(list.Length(), deviceText(device));
    value.Set("kind", "block");
    value.Set("device", deviceText(number));
    value.Set("diskseq", diskseq ? Napi::String::New(env, *diskseq) : env.Null());
    value.Set("sizeBytes", static_cast<double>(size));
    value.Set("footprint", footprint.render(env));
    value.Set("kubeletDevices", list);
    return value;
  };
}

Render lookUpImage(const PlaceInPod& place, const std::string& volumeName) {
  const auto process = openProcessOfPod(place.process);
  const auto volume = openPlace(process, place);
  struct stat status {};
  const auto image = openDiskImage(volume, volumeName, status);
  rememberFilesystem(image, status.st_dev);
  return [status, footprint = footprintOfFile(status.st_dev, status.st_ino)](Napi::Env env) -> Napi::Value {
    auto value = Napi::Object::New(env);
    value.Set("kind", "file");
    value.Set("filesystem", deviceText(status.st_dev));
    value.Set("inode", std::to_string(status.st_ino));
    value.Set("sizeBytes", static_cast<double>(status.st_size));
    value.Set("footprint", footprint.render(env));
    return value;
  };
}

}  // namespace

Render lookUpPodDevice(const PodDeviceQuestion& question) {
  return orRefusal([&] { return lookUpDevice(question); });
}

Render lookUpPodImage(const PlaceInPod& volume, const std::string& volumeName) {
  return orRefusal([&] { return lookUpImage(volume, volumeName); });
}

}  // namespace hotplugd
