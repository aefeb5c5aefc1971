#include "loop-backing.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <linux/major.h>
#include <linux/openat2.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <unordered_map>

#include "descriptor.h"
#include "device.h"

namespace hotplugd {
namespace {

struct Answer {
  // Nothing while the kernel is being asked.
  std::optional<LoopBacking> backing;
  // Somebody waited for the kernel in vain already.
  bool isLate = false;
};

struct Answers {
  std::mutex mutex;
  std::condition_variable answered;
  std::unordered_map<std::string, Answer> byDiskseq;
};

constexpr auto kPatience = std::chrono::seconds(1);

// Disks come and go while the agent runs; old answers are dropped all at once.
constexpr size_t kMostAnswers = 4096;

// Never destroyed: see the pool.
Answers& answers() {
  static auto* const all = new Answers;
  return *all;
}

// The kernel writes device numbers here in its 32-bit form, which differs from the C library's beyond 12/20 bits.
dev_t fromKernel(std::uint64_t encoded) {
  return makedev((encoded & 0xfff00) >> 8, (encoded & 0xff) | ((encoded >> 12) & 0xfff00));
}

// The node in /dev may be missing or another device's.
Fd openLoop(const std::string& name, dev_t loop) {
  const Fd node(::open(("/dev/" + name).c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
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

// As the first process sees it: the kernel tells the name in whatever mount namespace the device was set up in, and in a
// container the agent's own is surely another.
bool statOnHost(const std::string& path, struct stat& status) {
  const Fd root(::open("/proc/1/root", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root) return false;
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  const Fd found(static_cast<int>(::syscall(SYS_openat2, root.get(), path.c_str(), &how, sizeof how)));
  return found && ::fstat(found.get(), &status) == 0;
}

// Where the device node cannot be opened (a container, a device cgroup): what its name leads to is the next best.
void askName(LoopBacking& backing) {
  struct stat status {};
  if (!statOnHost(backing.path, status) && ::stat(backing.path.c_str(), &status) != 0) return;
  backing.known = true;
  backing.filesystem = status.st_dev;
  backing.inode = status.st_ino;
  backing.blockDevice = S_ISBLK(status.st_mode) ? status.st_rdev : 0;
}

std::string nameOf(const Fd& directory) {
  const auto event = readText(directory.get(), "uevent").value_or("");
  const auto at = event.find("DEVNAME=");
  return at == std::string::npos ? "" : event.substr(at + 8, event.find('\n', at) - at - 8);
}

// What can be said without asking the kernel.
std::optional<LoopBacking> fromNames(const Fd& directory) {
  auto path = readText(directory.get(), "loop/backing_file");
  const auto number = readText(directory.get(), "dev");
  const auto loop = number ? parseDevice(*number) : std::nullopt;
  if (!path || !loop) return std::nullopt;
  LoopBacking backing;
  backing.loop = *loop;
  backing.path = std::move(*path);
  return backing;
}

std::optional<LoopBacking> ask(const Fd& directory) {
  auto backing = fromNames(directory);
  if (!backing) return backing;
  askKernel(openLoop(nameOf(directory), backing->loop), *backing);
  if (!backing->known) askName(*backing);
  return backing;
}

// True: the caller has the turn to ask. Else what another one was told, if it was told in time.
bool mustAsk(const std::string& diskseq, std::optional<LoopBacking>& answer) {
  auto& all = answers();
  std::unique_lock lock(all.mutex);
  if (all.byDiskseq.size() > kMostAnswers) all.byDiskseq.clear();
  if (all.byDiskseq.try_emplace(diskseq).second) return true;
  const auto isPending = [&] {
    const auto found = all.byDiskseq.find(diskseq);
    return found != all.byDiskseq.end() && !found->second.backing;
  };
  if (isPending() && !all.byDiskseq[diskseq].isLate) {
    all.answered.wait_for(lock, kPatience, [&] { return !isPending(); });
    if (isPending()) all.byDiskseq[diskseq].isLate = true;
  }
  const auto found = all.byDiskseq.find(diskseq);
  if (found != all.byDiskseq.end()) answer = found->second.backing;
  return false;
}

void remember(const std::string& diskseq, const std::optional<LoopBacking>& answer) {
  auto& all = answers();
  const std::lock_guard lock(all.mutex);
  if (answer && answer->known) all.byDiskseq[diskseq].backing = answer;
  else all.byDiskseq.erase(diskseq);
  all.answered.notify_all();
}

}  // namespace

bool isLoop(dev_t device) { return major(device) == LOOP_MAJOR; }

std::optional<LoopBacking> loopBacking(const Fd& directory) {
  if (::faccessat(directory.get(), "loop/backing_file", F_OK, 0) != 0) return std::nullopt;
  const auto diskseq = readText(directory.get(), "diskseq");
  if (!diskseq) return ask(directory);
  std::optional<LoopBacking> answer;
  if (!mustAsk(*diskseq, answer)) return answer ? answer : fromNames(directory);
  answer = ask(directory);
  // Given another file meanwhile: the answer is true of neither number, so it is not kept.
  const bool same = readText(directory.get(), "diskseq") == diskseq;
  remember(*diskseq, same ? answer : std::nullopt);
  return answer;
}

}  // namespace hotplugd
