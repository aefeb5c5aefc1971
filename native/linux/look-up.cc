#include "look-up.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <random>
#include <thread>

#include "descriptor.h"
#include "device.h"
#include "filesystem.h"
#include "footprint.h"
#include "missing-component.h"
#include "system-error.h"

namespace hotplugd {
namespace {

constexpr const char* kImageName = "disk.img";
// Covers the header of every qcow2 version.
constexpr size_t kHeadBytes = 512;

struct Found {
  std::string path;
  struct stat status;
  std::string head;
  std::uint64_t sizeBytes = 0;
  Footprint footprint;
};

Napi::Object shape(Napi::Env env, const char* kind, const std::string& path) {
  auto value = Napi::Object::New(env);
  value.Set("kind", kind);
  value.Set("path", path);
  return value;
}

void setFound(Napi::Env env, Napi::Object value, const Found& found) {
  value.Set("sizeBytes", static_cast<double>(found.sizeBytes));
  value.Set("footprint", found.footprint.render(env));
  value.Set("head", Napi::Buffer<char>::Copy(env, found.head.data(), found.head.size()));
}

Render refused(const char* kind, std::string path, std::string what, std::string target = {}) {
  return [=](Napi::Env env) -> Napi::Value {
    auto value = shape(env, kind, path);
    value.Set("what", what);
    value.Set("target", target);
    return value;
  };
}

std::string readHead(const Fd& file, const std::string& path) {
  std::array<char, kHeadBytes> buffer;
  const auto length = ::pread(file.get(), buffer.data(), buffer.size(), 0);
  if (length < 0) fail("pread", path);
  return {buffer.data(), static_cast<size_t>(length)};
}

Render file(const LookUpRequest& request, const Fd& leaf, Found found) {
  rememberFilesystem(leaf, found.status.st_dev);
  if (request.withHead) found.head = readHead(reopenProven(leaf, O_RDONLY), found.path);
  found.sizeBytes = static_cast<std::uint64_t>(found.status.st_size);
  found.footprint = footprintOfFile(found.status.st_dev, found.status.st_ino);
  return [found = std::move(found)](Napi::Env env) -> Napi::Value {
    auto value = shape(env, "file", found.path);
    value.Set("filesystem", deviceText(found.status.st_dev));
    value.Set("inode", std::to_string(found.status.st_ino));
    setFound(env, value, found);
    return value;
  };
}

// Held open so that the number cannot become another device's while sysfs is read. `refusal`: the errno, 0 if it
// opened: EBUSY tells that somebody holds it exclusively.
Fd openExclusively(const Fd& leaf, int& refusal) {
  try {
    return reopenProven(leaf, O_RDONLY | O_EXCL);
  } catch (const SystemError& error) {
    refusal = error.number;
  }
  return Fd();
}

Render block(const LookUpRequest& request, const Fd& leaf, Found found) {
  const auto number = found.status.st_rdev;
  if (!request.sysfs.device(number)) return refused("noDevice", found.path, deviceText(number));
  int refusal = 0;
  const auto device = openExclusively(leaf, refusal);
  found.sizeBytes = request.sysfs.sizeBytes(number).value_or(0);
  found.footprint = footprintOfDevice(request.sysfs, number);
  // With part of it unknown, nobody could tell whether another VM has the same bytes.
  if (!found.footprint.isComplete) throw SystemError{ETIMEDOUT, "ioctl", found.path};
  // Held for an instant only, perhaps; that is for the caller to find out.
  if (request.withHead && refusal == EBUSY) found.head = readHead(reopenProven(leaf, O_RDONLY), found.path);
  if (request.withHead && device) found.head = readHead(device, found.path);
  return [found = std::move(found), refusal, diskseq = request.sysfs.diskseq(number)](Napi::Env env) -> Napi::Value {
    auto value = shape(env, "block", found.path);
    value.Set("device", deviceText(found.status.st_rdev));
    value.Set("diskseq", diskseq ? Napi::String::New(env, *diskseq) : env.Null());
    value.Set("refusal", refusal == 0 ? env.Null() : Napi::String::New(env, errnoName(refusal)));
    setFound(env, value, found);
    return value;
  };
}

Fd openImage(const Fd& directory, bool& crossesMount) {
  try {
    return openPathBeneath(directory, kImageName);
  } catch (const SystemError& error) {
    if (error.number == EXDEV) crossesMount = true;
    if (error.number != ENOENT && error.number != EXDEV) throw;
  }
  return Fd();
}

Render imageBelow(const LookUpRequest& request, const Fd& directory, const std::string& directoryPath) {
  bool crossesMount = false;
  const auto image = openImage(directory, crossesMount);
  const auto name = (directoryPath == "/" ? "" : directoryPath) + "/" + kImageName;
  if (crossesMount) return refused("unsafe", name, "mount point");
  if (!image) return refused("noImage", directoryPath, kImageName);
  const auto status = statOf(image, name);
  if (S_ISLNK(status.st_mode)) return refused("unsafe", name, kindOf(status.st_mode), linkTarget(image));
  if (!S_ISREG(status.st_mode)) return refused("unsafe", name, kindOf(status.st_mode));
  // By the name it is asked for: a tenant may have moved it while it was looked at.
  proveName(name, status, AT_SYMLINK_NOFOLLOW);
  return file(request, image, Found{name, status, {}, 0, {}});
}

Fd openOrMissing(const std::string& path, bool& missing) {
  try {
    return openPathFollowingLinks(path);
  } catch (const SystemError& error) {
    if (error.number != ENOENT && error.number != ENOTDIR) throw;
  }
  missing = true;
  return Fd();
}

// Several probes of our own may meet (a disk and its partition), and others probe too: only what lasts counts, a second
// on average. On a busy machine a probe may be off its processor for long while it holds the device.
bool heldForLong(const Fd& leaf, const std::string& path) {
  constexpr int kAttempts = 10;
  std::minstd_rand random(std::random_device{}());
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    int refusal = 0;
    openExclusively(leaf, refusal);
    if (refusal == 0) return false;
    if (refusal != EBUSY) throw SystemError{refusal, "open", path};
    std::this_thread::sleep_for(std::chrono::milliseconds(1 + random() % (2 << attempt)));
  }
  return true;
}

}  // namespace

Render lookUpSource(const LookUpRequest& request) {
  bool missing = false;
  const auto leaf = openOrMissing(request.path, missing);
  if (missing) return findMissingComponent(request.path);
  const auto status = statOf(leaf, request.path);
  const auto path = pathOf(leaf);
  // Moved, or replaced, while it was looked at: then the path without links is not what the user named.
  proveName(path, status, AT_SYMLINK_NOFOLLOW);
  proveName(request.path, status, 0);
  if (S_ISDIR(status.st_mode)) return imageBelow(request, leaf, path);
  if (S_ISREG(status.st_mode)) return file(request, leaf, Found{path, status, {}, 0, {}});
  if (S_ISBLK(status.st_mode)) return block(request, leaf, Found{path, status, {}, 0, {}});
  return refused("unsupported", path, kindOf(status.st_mode));
}

Render probeExclusiveUse(const std::string& path, dev_t device) {
  const auto leaf = openPathNotLast(path);
  const auto status = statOf(leaf, path);
  if (!S_ISBLK(status.st_mode) || status.st_rdev != device) throw SystemError{EXDEV, "fstat", path};
  return [held = heldForLong(leaf, path)](Napi::Env env) -> Napi::Value { return Napi::Boolean::New(env, held); };
}

Render identifyNotFollowing(const std::string& path, const Sysfs& sysfs) {
  const auto leaf = openPathNotLast(path);
  const auto status = statOf(leaf, path);
  if (S_ISREG(status.st_mode)) rememberFilesystem(leaf, status.st_dev);
  const auto diskseq = S_ISBLK(status.st_mode) ? sysfs.diskseq(status.st_rdev) : std::nullopt;
  return [status, diskseq](Napi::Env env) -> Napi::Value {
    auto value = Napi::Object::New(env);
    value.Set("what", kindOf(status.st_mode));
    value.Set("device", deviceText(status.st_rdev));
    value.Set("diskseq", diskseq ? Napi::String::New(env, *diskseq) : env.Null());
    value.Set("filesystem", deviceText(status.st_dev));
    value.Set("inode", std::to_string(status.st_ino));
    return value;
  };
}

}  // namespace hotplugd
