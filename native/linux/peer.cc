#include "peer.h"

#include <sys/socket.h>

#include <cerrno>
#include <string>
#include <vector>

#include "system-error.h"

namespace hotplugd {
namespace {

ucred credentialsOf(int fd) {
  ucred credentials{};
  socklen_t length = sizeof credentials;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) fail("getsockopt", "SO_PEERCRED");
  // A socket that is not connected (or not a unix one) has no peer and says so by these values.
  if (credentials.pid == 0 && credentials.uid == static_cast<uid_t>(-1)) {
    throw SystemError{ENOTCONN, "getsockopt", "SO_PEERCRED"};
  }
  return credentials;
}

std::vector<gid_t> groupsOf(int fd) {
  std::vector<gid_t> groups(32);
  for (;;) {
    socklen_t length = groups.size() * sizeof(gid_t);
    const bool fits = ::getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &length) == 0;
    if (!fits && errno != ERANGE) fail("getsockopt", "SO_PEERGROUPS");
    groups.resize(length / sizeof(gid_t));
    if (fits) return groups;
  }
}

}  // namespace

Napi::Value peerCredentials(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  const int fd = info[0].As<Napi::Number>().Int32Value();
  const auto credentials = credentialsOf(fd);
  const auto groups = groupsOf(fd);
  auto list = Napi::Array::New(env, groups.size());
  for (size_t index = 0; index < groups.size(); ++index) list.Set(static_cast<uint32_t>(index), groups[index]);
  auto value = Napi::Object::New(env);
  value.Set("pid", credentials.pid);
  value.Set("uid", credentials.uid);
  value.Set("gid", credentials.gid);
  value.Set("groups", list);
  return value;
}

}  // namespace hotplugd
