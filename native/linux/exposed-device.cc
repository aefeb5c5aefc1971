#include "exposed-device.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "beneath.h"
#include "descriptor.h"
#include "device.h"
#include "filesystem.h"
#include "refusal.h"
#include "system-error.h"

namespace hotplugd {
namespace {

constexpr mode_t kMode = S_IFBLK | 0600;

bool isDevice(const struct stat& status, dev_t device) {
  return S_ISBLK(status.st_mode) && status.st_rdev == device;
}

void removeEntry(const Fd& directory, const std::string& name) {
  if (::unlinkat(directory.get(), name.c_str(), 0) != 0 && errno != ENOENT) fail("unlinkat", name);
}

// Whatever is there already and is neither the device nor what may be replaced.
void clearPlace(const Fd& directory, const DeviceNode& node, std::optional<dev_t> replaced) {
  const auto found = entryBelow(directory, node.name);
  if (!found) return;
  const auto status = statOf(found, node.name);
  if (isDevice(status, node.device)) return;
  if (!S_ISBLK(status.st_mode)) refuseUnsafe(found, status, node.name);
  if (status.st_rdev != replaced) throw Refusal{"other", node.name, deviceText(status.st_rdev)};
  removeEntry(directory, node.name);
}

// Read when the node is there: a disk that comes under the number later is found by whoever attaches it.
void proveDisk(const DeviceToExpose& request) {
  const auto now = request.sysfs.diskseq(request.node.device);
  if (request.diskseq && now != request.diskseq) throw Refusal{"changed", request.node.name, "disk " + now.value_or("")};
}

Render expose(const DeviceToExpose& request, std::optional<dev_t> replaced) {
  const auto& node = request.node;
  const auto directory = openFromNode(node.directory);
  if (!directory) throw Refusal{"gone", node.directory.podUid, "hotplug-disks"};
  clearPlace(directory, node, replaced);
  const bool made = ::mknodat(directory.get(), node.name.c_str(), kMode, node.device) == 0;
  if (!made && errno != EEXIST) fail("mknodat", node.name);
  const auto proven = entryBelow(directory, node.name);
  if (!proven) throw Refusal{"changed", node.name, "nothing"};
  const auto status = statOf(proven, node.name);
  if (!isDevice(status, node.device)) throw Refusal{"changed", node.name, kindOf(status.st_mode)};
  if (::fchownat(proven.get(), "", request.owner.user, request.owner.group, AT_EMPTY_PATH) != 0) {
    fail("fchownat", node.name);
  }
  proveDisk(request);
  return [](Napi::Env env) -> Napi::Value {
    auto value = Napi::Object::New(env);
    value.Set("kind", "done");
    return value;
  };
}

bool isElsewhere(const Fd& directory, dev_t device) {
  for (const auto& name : namesBelow(directory)) {
    const auto entry = entryBelow(directory, name);
    if (entry && isDevice(statOf(entry, name), device)) return true;
  }
  return false;
}

Render withdraw(const DeviceNode& node) {
  const auto directory = openFromNode(node.directory);
  const auto found = directory ? entryBelow(directory, node.name) : Fd();
  if (found && isDevice(statOf(found, node.name), node.device)) removeEntry(directory, node.name);
  return [others = directory && isElsewhere(directory, node.device)](Napi::Env env) -> Napi::Value {
    auto value = Napi::Object::New(env);
    value.Set("kind", "done");
    value.Set("isElsewhere", others);
    return value;
  };
}

Napi::Value nothing(Napi::Env env) { return env.Null(); }

}  // namespace

Render exposeDevice(const DeviceToExpose& request, std::optional<dev_t> replaced) {
  return orRefusal([&] { return expose(request, replaced); });
}

Render withdrawDevice(const DeviceNode& node) {
  return orRefusal([&] { return withdraw(node); });
}

Render identifyExposed(const PlaceInPod& launcher, const LauncherDirectory& place, const std::string& name,
                       const Sysfs& sysfs) {
  const auto process = openProcessOfPod(launcher.process);
  const auto directory = openFromLauncher(process, launcher, place);
  const auto found = entryBelow(directory, name);
  if (!found) return nothing;
  const auto status = statOf(found, name);
  const bool isFile = S_ISREG(status.st_mode);
  if (isFile && status.st_size == 0 && !isMounted(found, directory)) return nothing;
  if (isFile) rememberFilesystem(found, status.st_dev);
  const auto diskseq = S_ISBLK(status.st_mode) ? sysfs.diskseq(status.st_rdev) : std::nullopt;
  return [status, diskseq](Napi::Env env) -> Napi::Value {
    auto value = Napi::Object::New(env);
    value.Set("what", kindOf(status.st_mode));
    value.Set("device", deviceText(status.st_rdev));
    value.Set("diskseq", diskseq ? Napi::String::New(env, *diskseq) : env.Null());
    value.Set("filesystem", deviceText(status.st_dev));
    value.Set("inode", std::to_string(status.st_ino));
    value.Set("sizeBytes", static_cast<double>(status.st_size));
    return value;
  };
}

}  // namespace hotplugd
