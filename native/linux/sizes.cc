#include "sizes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "descriptor.h"
#include "filesystem.h"
#include "system-error.h"

namespace hotplugd {
namespace {

constexpr SizeAnswer kGone{SizeAnswer::Kind::Gone};

SizeAnswer sizeOfBlock(const SizeQuestion& question, const Sysfs& sysfs, const struct statx& now) {
  if (!S_ISBLK(now.stx_mode) || makedev(now.stx_rdev_major, now.stx_rdev_minor) != question.device) return kGone;
  const auto bytes = sysfs.sizeBytes(question.device);
  return bytes ? SizeAnswer{SizeAnswer::Kind::Known, *bytes} : kGone;
}

bool isSameFile(const SizeQuestion& question, const struct statx& now) {
  return S_ISREG(now.stx_mode) && now.stx_ino == question.inode &&
         makedev(now.stx_dev_major, now.stx_dev_minor) == question.device;
}

SizeAnswer sizeOf(int directory, const SizeQuestion& question, const Sysfs& sysfs) {
  if (!question.isBlock && !isKnownLocal(question.device)) return {SizeAnswer::Kind::WouldWait};
  struct statx now {};
  constexpr int kFlags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC;
  if (::statx(directory, question.path.c_str(), kFlags, STATX_TYPE | STATX_INO | STATX_SIZE, &now) != 0) return kGone;
  if (question.isBlock) return sizeOfBlock(question, sysfs, now);
  return isSameFile(question, now) ? SizeAnswer{SizeAnswer::Kind::Known, now.stx_size} : kGone;
}

}  // namespace

Napi::Value toJs(Napi::Env env, const SizeAnswer& answer) {
  if (answer.kind == SizeAnswer::Kind::Gone) return env.Null();
  if (answer.kind == SizeAnswer::Kind::WouldWait) return env.Undefined();
  return Napi::Number::New(env, static_cast<double>(answer.bytes));
}

SizeAnswer sizeWithoutWaiting(const SizeQuestion& question, const Sysfs& sysfs) { return sizeOf(AT_FDCWD, question, sysfs); }

std::vector<SizeAnswer> sizesInLauncher(const PlaceInPod& launcher, const LauncherDirectory& place,
                                        const std::vector<SizeQuestion>& questions) {
  const auto process = openProcessOfPod(launcher.process);
  const auto directory = openFromLauncher(process, launcher, place);
  std::vector<SizeAnswer> answers;
  for (const auto& question : questions) answers.push_back(sizeOf(directory.get(), question, Sysfs("")));
  return answers;
}

SizeAnswer sizeOfFile(const SizeQuestion& question) {
  const Fd file(::open(question.path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!file) return kGone;
  const auto status = statOf(file, question.path);
  if (!S_ISREG(status.st_mode) || status.st_dev != question.device || status.st_ino != question.inode) return kGone;
  rememberFilesystem(file, status.st_dev);
  return {SizeAnswer::Kind::Known, static_cast<std::uint64_t>(status.st_size)};
}

}  // namespace hotplugd
