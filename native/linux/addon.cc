// What the addon offers to src/adapters/linux, which validates every argument before it comes here.
#include <malloc.h>
#include <napi.h>
#include <poll.h>

#include <cerrno>

#include "act.h"
#include "arguments.h"
#include "device.h"
#include "durable-file.h"
#include "kernel-features.h"
#include "look-up.h"
#include "node-lock.h"
#include "notify.h"
#include "path-footprints.h"
#include "peer.h"
#include "pod-acts.h"
#include "process.h"
#include "sizes.h"
#include "system-error.h"

namespace hotplugd {
namespace {

Napi::Value nothing(Napi::Env env) { return env.Undefined(); }

Napi::Value lookUp(const Napi::CallbackInfo& info) {
  const LookUpRequest request{text(info[0]), info[1].As<Napi::Boolean>(), Sysfs(text(info[2]))};
  return perform(info.Env(), [request] { return lookUpSource(request); });
}

Napi::Value probe(const Napi::CallbackInfo& info) {
  return perform(info.Env(), [path = text(info[0]), number = device(info[1])] { return probeExclusiveUse(path, number); });
}

Napi::Value identify(const Napi::CallbackInfo& info) {
  return perform(info.Env(),
                 [path = text(info[0]), sysfs = Sysfs(text(info[1]))] { return identifyNotFollowing(path, sysfs); });
}

Napi::Value ofPaths(const Napi::CallbackInfo& info) {
  return perform(info.Env(), [paths = listOf<std::string>(info[0], text), sysfs = Sysfs(text(info[1]))] {
    return footprintsOfPaths(paths, sysfs);
  });
}

Napi::Value ofHost(const Napi::CallbackInfo& info) {
  return perform(info.Env(), [devices = listOf<dev_t>(info[0], device), sysfs = Sysfs(text(info[1]))] {
    return footprintsOfHost(devices, sysfs);
  });
}

// (path, name aside, bytes, mode)
Napi::Value writeDurably(const Napi::CallbackInfo& info) {
  const auto bytes = info[2].As<Napi::Uint8Array>();
  const DurableFile file{text(info[0]), text(info[1]),
                         std::string(reinterpret_cast<const char*>(bytes.Data()), bytes.ByteLength()),
                         info[3].As<Napi::Number>().Uint32Value()};
  return perform(info.Env(), [file] {
    replaceDurably(file);
    return nothing;
  });
}

Napi::Value removeDurably(const Napi::CallbackInfo& info) {
  return perform(info.Env(), [path = text(info[0])] {
    unlinkDurably(path);
    return nothing;
  });
}

// A list such as mountinfo is readable out of band once it changed after the last look at it.
Napi::Value kernelListChanged(const Napi::CallbackInfo& info) {
  pollfd list{info[0].As<Napi::Number>().Int32Value(), POLLPRI, 0};
  if (::poll(&list, 1, 0) < 0 && errno != EINTR) fail("poll", std::to_string(list.fd));
  return Napi::Boolean::New(info.Env(), list.revents != 0);
}

// {path, identity: {kind: 'block', device} | {kind: 'file', filesystem, inode}}
SizeQuestion sizeQuestion(const Napi::Value& value) {
  const auto source = value.As<Napi::Object>();
  const auto identity = source.Get("identity").As<Napi::Object>();
  const bool isBlock = text(identity.Get("kind")) == "block";
  if (isBlock) return {text(source.Get("path")), true, device(identity.Get("device")), 0};
  return {text(source.Get("path")), false, device(identity.Get("filesystem")), inode(identity.Get("inode"))};
}

Napi::Value sizesNow(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  const auto sources = info[0].As<Napi::Array>();
  const Sysfs sysfs(text(info[1]));
  auto list = Napi::Array::New(env, sources.Length());
  for (std::uint32_t index = 0; index < sources.Length(); ++index) {
    const Napi::HandleScope scope(env);
    list.Set(index, toJs(env, sizeWithoutWaiting(sizeQuestion(sources.Get(index)), sysfs)));
  }
  return list;
}

Napi::Value fileSize(const Napi::CallbackInfo& info) {
  return perform(info.Env(), [question = sizeQuestion(info[0])] {
    return Render([answer = sizeOfFile(question)](Napi::Env env) { return toJs(env, answer); });
  });
}

Render renderBool(bool value) {
  return [value](Napi::Env env) -> Napi::Value { return Napi::Boolean::New(env, value); };
}

ProcessQuestion processQuestion(const Napi::CallbackInfo& info) {
  return {text(info[0]), info[1].As<Napi::Number>().Int32Value(), text(info[2])};
}

Napi::Value processIsAlive(const Napi::CallbackInfo& info) {
  return perform(info.Env(), [question = processQuestion(info)] { return renderBool(isAlive(question)); });
}

// (procRoot, pid, startTime, isBlock, device or file system, inode)
Napi::Value processHoldsOpen(const Napi::CallbackInfo& info) {
  const OpenObject object{info[3].As<Napi::Boolean>(), device(info[4]), inode(info[5])};
  return perform(info.Env(),
                 [question = processQuestion(info), object] { return renderBool(holdsOpen(question, object)); });
}

// Each thread (of this addon, of libvirt, of Node) that finds the others' arenas in use would get one of its own, which keeps
// what it once held: 8 MiB with a few dozen libvirts. Two do for threads that mostly wait.
constexpr int kMostArenas = 2;

Napi::Object init(Napi::Env env, Napi::Object exports) {
  ::mallopt(M_ARENA_MAX, kMostArenas);
  offer<lookUp>(exports, "lookUpSource");
  offer<probe>(exports, "probeExclusiveUse");
  offer<identify>(exports, "identifyNotFollowing");
  offer<ofPaths>(exports, "footprintsOfPaths");
  offer<ofHost>(exports, "footprintsOfHost");
  offer<writeDurably>(exports, "replaceDurably");
  offer<removeDurably>(exports, "unlinkDurably");
  offer<kernelListChanged>(exports, "kernelListChanged");
  offer<sizesNow>(exports, "sizesWithoutWaiting");
  offer<fileSize>(exports, "sizeOfFile");
  offer<processIsAlive>(exports, "isProcessAlive");
  offer<processHoldsOpen>(exports, "processHoldsOpen");
  offer<tryNodeLock>(exports, "tryNodeLock");
  offer<awaitNodeLock>(exports, "awaitNodeLock");
  offer<peerCredentials>(exports, "peerCredentials");
  offer<notifyServiceManager>(exports, "notifyServiceManager");
  offer<kernelFeatures>(exports, "kernelFeatures");
  offerPodActs(exports);
  return exports;
}

}  // namespace
}  // namespace hotplugd

static Napi::Object Init(Napi::Env env, Napi::Object exports) { return hotplugd::init(env, exports); }
NODE_API_MODULE(hotplugd_linux, Init)
