#include "launcher-socket.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "descriptor.h"
#include "device.h"
#include "system-error.h"

namespace hotplugd {
namespace {

struct Seen {
  std::string path;
  std::string what;
};

Fd openInRoot(const Fd& root, const std::string& name) {
  open_how how{};
  how.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  Fd fd(static_cast<int>(::syscall(SYS_openat2, root.get(), name.c_str(), &how, sizeof how)));
  const bool isAbsent = errno == ENOENT || errno == ENOTDIR || errno == ELOOP;
  if (!fd && !isAbsent) fail("openat2", name);
  return fd;
}

// The descriptor is proven to be a socket's, so nothing is followed but the kernel's own way to the open object. Never
// waits: a listener whose queue is full answers EAGAIN.
Fd connectTo(const Fd& socket) {
  Fd connection(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!connection) fail("socket", "AF_UNIX");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto path = "/proc/self/fd/" + std::to_string(socket.get());
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  if (::connect(connection.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return connection;
  if (errno != ECONNREFUSED) fail("connect", path);
  return Fd();
}

pid_t listenerOf(const Fd& connection) {
  ucred peer{};
  socklen_t length = sizeof peer;
  if (::getsockopt(connection.get(), SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) fail("getsockopt", "SO_PEERCRED");
  return peer.pid;
}

// Another one after the daemon was restarted, though the number of the inode may be the same again.
std::string idOf(const struct stat& status, pid_t listener) {
  const auto made = std::to_string(status.st_ctim.tv_sec) + "." + std::to_string(status.st_ctim.tv_nsec);
  return inodeKey(status.st_dev, status.st_ino) + "@" + made + ":" + std::to_string(listener);
}

Render found(Fd socket, const struct stat& status, pid_t pid, const std::string& path) {
  // Closed with the answer if nobody takes it.
  auto shared = std::make_shared<Fd>(std::move(socket));
  return [shared, id = idOf(status, pid), pid, path](Napi::Env env) -> Napi::Value {
    auto value = Napi::Object::New(env);
    value.Set("kind", "found");
    value.Set("pid", pid);
    value.Set("path", path);
    value.Set("id", id);
    value.Set("fd", shared->release());
    return value;
  };
}

Render none(const std::vector<Seen>& seen) {
  return [seen](Napi::Env env) -> Napi::Value {
    auto list = Napi::Array::New(env);
    for (const auto& one : seen) {
      auto entry = Napi::Object::New(env);
      entry.Set("path", one.path);
      entry.Set("what", one.what);
      list.Set(list.Length(), entry);
    }
    auto value = Napi::Object::New(env);
    value.Set("kind", "none");
    value.Set("found", list);
    return value;
  };
}

}  // namespace

Render openLauncherSocket(const ProcessOfPod& wanted, const std::vector<std::string>& names) {
  const auto process = openProcessOfPod(wanted);
  const auto root = rootOf(process);
  std::vector<Seen> seen;
  for (const auto& name : names) {
    auto socket = openInRoot(root, name);
    if (!socket) continue;
    const auto status = statOf(socket, name);
    const bool isSocket = S_ISSOCK(status.st_mode);
    const auto connection = isSocket ? connectTo(socket) : Fd();
    if (connection) return found(std::move(socket), status, listenerOf(connection), name);
    seen.push_back({name, isSocket ? "socket that nobody listens on" : kindOf(status.st_mode)});
  }
  return none(seen);
}

}  // namespace hotplugd
