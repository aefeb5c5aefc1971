#include "loop-backing.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <linux/major.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <map>
#include <mutex>

#include "descriptor.h"

namespace hotplugd {
namespace {

struct Answer {
  std::string diskseq;
  bool asking = false;
  LoopBacking backing;
};

struct Answers {
  std::mutex mutex;
  std::map<dev_t, Answer> of;
};

// Never destroyed: see the pool.
Answers& answers() {
  static auto* const all = new Answers;
  return *all;
}

// The kernel writes device numbers here in its 32-bit form, which differs from the C library's beyond 12/20 bits.
dev_t fromKernel(std::uint64_t encoded) {
  return makedev((encoded & 0xfff00) >> 8, (encoded & 0xff) | ((encoded >> 12) & 0xfff00));
}

Fd openLoop(const Sysfs& sysfs, dev_t loop) {
  const auto path = "/dev/" + sysfs.nameOf(loop);
  const Fd node(::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat status {};
  if (!node || ::fstat(node.get(), &status) != 0) return Fd();
  if (!S_ISBLK(status.st_mode) || status.st_rdev != loop) return Fd();
  return Fd(::open(("/proc/self/fd/" + std::to_string(node.get())).c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
}

void askKernel(const Fd& device, LoopBacking& backing) {
  loop_info64 info{};
  if (!device || ::ioctl(device.get(), LOOP_GET_STATUS64, &info) != 0) return;
  backing.known = true;
  backing.filesystem = fromKernel(info.lo_device);
  backing.inode = info.lo_inode;
  backing.blockDevice = fromKernel(info.lo_rdevice);
}

// Where the device node cannot be opened (a container, a device cgroup): what its name leads to is the next best.
void askName(LoopBacking& backing) {
  struct stat status {};
  if (::stat(backing.path.c_str(), &status) != 0) return;
  backing.known = true;
  backing.filesystem = status.st_dev;
  backing.inode = status.st_ino;
  backing.blockDevice = S_ISBLK(status.st_mode) ? status.st_rdev : 0;
}

LoopBacking ask(const Sysfs& sysfs, dev_t loop, std::string path) {
  LoopBacking backing;
  backing.path = std::move(path);
  const auto device = openLoop(sysfs, loop);
  askKernel(device, backing);
  if (!backing.known) askName(backing);
  return backing;
}

// True: the caller is to ask. Else `known` holds what there is to say without waiting for anybody.
bool mustAsk(dev_t loop, const std::string& diskseq, LoopBacking& known) {
  auto& all = answers();
  const std::lock_guard lock(all.mutex);
  auto& answer = all.of[loop];
  if (answer.diskseq != diskseq) answer = Answer{diskseq, false, {}};
  if (answer.asking || answer.backing.known) {
    known = answer.backing;
    return false;
  }
  answer.asking = true;
  return true;
}

void remember(dev_t loop, const std::string& diskseq, const LoopBacking& backing) {
  auto& all = answers();
  const std::lock_guard lock(all.mutex);
  auto& answer = all.of[loop];
  if (answer.diskseq != diskseq) return;
  answer.asking = false;
  answer.backing = backing;
}

}  // namespace

bool isLoop(dev_t device) { return major(device) == LOOP_MAJOR; }

std::optional<LoopBacking> loopBacking(const Sysfs& sysfs, dev_t loop) {
  const auto directory = sysfs.device(loop);
  auto path = directory ? readText(directory.get(), "loop/backing_file") : std::nullopt;
  if (!path) return std::nullopt;
  const auto diskseq = readText(directory.get(), "diskseq");
  if (!diskseq) return ask(sysfs, loop, *path);
  LoopBacking known;
  if (!mustAsk(loop, *diskseq, known)) {
    known.path = *path;
    return known;
  }
  const auto backing = ask(sysfs, loop, *path);
  // Read while the backing file was changed: true of neither number, so it is not kept.
  const bool same = readText(directory.get(), "diskseq") == diskseq;
  remember(loop, *diskseq, same ? backing : LoopBacking{});
  return backing;
}

}  // namespace hotplugd
