#include "notify.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>

#include "handle.h"
#include "system-error.h"

namespace hotplugd {
namespace {

struct Address {
  sockaddr_un name{};
  socklen_t length = 0;
};

Address addressOf(const std::string& text) {
  Address address;
  address.name.sun_family = AF_UNIX;
  if (text.empty() || text.size() >= sizeof address.name.sun_path) throw SystemError{ENAMETOOLONG, "sendto", text};
  std::memcpy(address.name.sun_path, text.data(), text.size());
  const bool isAbstract = text[0] == '@';
  if (isAbstract) address.name.sun_path[0] = '\0';
  // An abstract name is all of its bytes, so the one that ends a path must not be counted.
  address.length = offsetof(sockaddr_un, sun_path) + text.size() + (isAbstract ? 0 : 1);
  return address;
}

bool isForNow(int error) { return error == EAGAIN || error == ENOBUFS || error == ENOMEM; }

}  // namespace

// A socket for each: whoever listens may have been replaced since the last time.
Napi::Value notifyServiceManager(const Napi::CallbackInfo& info) {
  const auto place = info[0].As<Napi::String>().Utf8Value();
  const auto text = info[1].As<Napi::String>().Utf8Value();
  const auto address = addressOf(place);
  const Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) fail("socket", place);
  const auto sent = ::sendto(socket.get(), text.data(), text.size(), MSG_NOSIGNAL,
                             reinterpret_cast<const sockaddr*>(&address.name), address.length);
  if (sent < 0 && !isForNow(errno)) fail("sendto", place);
  return Napi::Boolean::New(info.Env(), sent >= 0);
}

}  // namespace hotplugd
