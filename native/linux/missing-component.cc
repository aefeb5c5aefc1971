#include "missing-component.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <climits>

namespace hotplugd {
namespace {

struct Missing {
  std::string component;
  std::string target;
  bool notDirectory = false;
};

std::string danglingTarget(const std::string& component) {
  std::array<char, PATH_MAX> buffer;
  const auto length = ::readlink(component.c_str(), buffer.data(), buffer.size());
  return length < 0 ? std::string() : std::string(buffer.data(), static_cast<size_t>(length));
}

Missing find(const std::string& path) {
  for (size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const auto component = path.substr(0, end);
    struct stat status {};
    if (::stat(component.c_str(), &status) != 0) return {component, danglingTarget(component), false};
    if (end == std::string::npos) return {path, {}, false};
    if (!S_ISDIR(status.st_mode)) return {component, {}, true};
  }
}

}  // namespace

Render findMissingComponent(const std::string& path) {
  return [path, missing = find(path)](Napi::Env env) -> Napi::Value {
    auto value = Napi::Object::New(env);
    value.Set("kind", "missing");
    value.Set("path", path);
    value.Set("component", missing.component);
    value.Set("target", missing.target);
    value.Set("isNotDirectory", missing.notDirectory);
    return value;
  };
}

}  // namespace hotplugd
