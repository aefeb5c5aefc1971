#include "values.h"

#include <cmath>
#include <limits>

namespace hotplugd {

namespace {

constexpr double kLargestExact = 9007199254740991.0;

void require(bool good, const Napi::Value& value, const char* expected) {
  if (!good) throw Napi::TypeError::New(value.Env(), std::string("expected ") + expected);
}

Napi::Object toObject(const Napi::Value& value) {
  require(value.IsObject(), value, "an object");
  return value.As<Napi::Object>();
}

unsigned long long toWhole(const Napi::Value& value, double largest) {
  require(value.IsNumber(), value, "a number");
  const double number = value.As<Napi::Number>().DoubleValue();
  require(number >= 0 && number <= largest && std::floor(number) == number, value, "a whole number in range");
  return static_cast<unsigned long long>(number);
}

int toInt(const Napi::Value& value) { return static_cast<int>(toWhole(value, 1 << 30)); }

DriveAddress toAddress(const Napi::Value& value) {
  const auto object = toObject(value);
  return {toInt(object.Get("controller")), toInt(object.Get("bus")), toInt(object.Get("target")),
          toInt(object.Get("unit"))};
}

Napi::Value orNull(Napi::Env env, const std::optional<std::string>& text) {
  if (!text) return env.Null();
  return Napi::String::New(env, *text);
}

template <typename T, typename Convert>
Napi::Value fromList(Napi::Env env, const std::vector<T>& items, Convert convert) {
  auto list = Napi::Array::New(env, items.size());
  for (std::uint32_t i = 0; i < items.size(); ++i) list.Set(i, convert(items[i]));
  return list;
}

Napi::Value fromTexts(Napi::Env env, const std::vector<std::string>& texts) {
  return fromList(env, texts, [&](const auto& text) { return Napi::String::New(env, text); });
}

Napi::Value fromDisks(Napi::Env env, const std::vector<Disk>& disks) {
  return fromList(env, disks, [&](const auto& disk) { return fromDisk(env, disk); });
}

Napi::Value fromAddress(Napi::Env env, const std::optional<DriveAddress>& address) {
  if (!address) return env.Null();
  auto object = Napi::Object::New(env);
  object.Set("controller", address->controller);
  object.Set("bus", address->bus);
  object.Set("target", address->target);
  object.Set("unit", address->unit);
  return object;
}

Napi::Value fromProcess(Napi::Env env, const std::optional<ProcessRef>& process) {
  if (!process) return env.Null();
  auto object = Napi::Object::New(env);
  object.Set("pid", process->pid);
  object.Set("startTime", process->startTime);
  return object;
}

}  // namespace

std::string toText(const Napi::Value& value) {
  require(value.IsString(), value, "a string");
  auto text = value.As<Napi::String>().Utf8Value();
  // libvirt would silently take only what stands before it.
  require(text.find('\0') == std::string::npos, value, "a string without a NUL character");
  return text;
}

std::vector<std::string> toTexts(const Napi::Value& value) {
  require(value.IsArray(), value, "an array");
  const auto array = value.As<Napi::Array>();
  std::vector<std::string> texts;
  for (std::uint32_t i = 0; i < array.Length(); ++i) texts.push_back(toText(array.Get(i)));
  return texts;
}

std::vector<int> toPids(const Napi::Value& value) {
  require(value.IsArray(), value, "an array");
  const auto array = value.As<Napi::Array>();
  std::vector<int> pids;
  for (std::uint32_t i = 0; i < array.Length(); ++i) {
    pids.push_back(static_cast<int>(toWhole(array.Get(i), std::numeric_limits<int>::max())));
  }
  return pids;
}

unsigned long long toBytes(const Napi::Value& value) { return toWhole(value, kLargestExact); }

Scope toScope(const Napi::Value& value) {
  const auto name = toText(value);
  require(name == "live" || name == "config", value, "'live' or 'config'");
  return name == "live" ? Scope::live : Scope::config;
}

ExpectedDisk toExpectedDisk(const Napi::Value& value) {
  const auto object = toObject(value);
  return {toText(object.Get("alias")), toText(object.Get("target")), toText(object.Get("serial")),
          toText(object.Get("path")), toAddress(object.Get("address"))};
}

SessionOptions toSessionOptions(const Napi::Value& value) {
  const auto object = toObject(value);
  const auto events = object.Get("events");
  require(events.IsBoolean(), value, "events: a boolean");
  return {toText(object.Get("uri")), toText(object.Get("socketPath")), toInt(object.Get("keepAliveIntervalS")),
          static_cast<unsigned>(toInt(object.Get("keepAliveCount"))), events.As<Napi::Boolean>().Value()};
}

Napi::Value fromNames(Napi::Env env, const std::vector<DomainName>& names) {
  return fromList(env, names, [&](const auto& domain) {
    auto object = Napi::Object::New(env);
    object.Set("name", domain.name);
    object.Set("uuid", domain.uuid);
    object.Set("active", domain.active);
    return object;
  });
}

Napi::Value fromDisk(Napi::Env env, const Disk& disk) {
  auto object = Napi::Object::New(env);
  object.Set("target", disk.target);
  object.Set("bus", disk.bus);
  object.Set("device", disk.device);
  object.Set("sourceType", disk.sourceType);
  object.Set("source", orNull(env, disk.source));
  object.Set("format", orNull(env, disk.format));
  object.Set("serial", orNull(env, disk.serial));
  object.Set("alias", orNull(env, disk.alias));
  object.Set("address", fromAddress(env, disk.address));
  object.Set("readonly", disk.readonly);
  object.Set("shareable", disk.shareable);
  object.Set("backing", fromTexts(env, disk.backing));
  return object;
}

Napi::Value fromSnapshot(Napi::Env env, const DomainSnapshot& snapshot) {
  auto object = Napi::Object::New(env);
  object.Set("uuid", snapshot.uuid);
  object.Set("state", snapshot.state);
  object.Set("persistent", snapshot.persistent);
  object.Set("process", fromProcess(env, snapshot.process));
  object.Set("disks", fromDisks(env, snapshot.disks));
  object.Set("scsiControllers",
             fromList(env, snapshot.scsiControllers, [&](int index) { return Napi::Number::New(env, index); }));
  object.Set("persistentDisks", fromDisks(env, snapshot.persistentDisks));
  return object;
}

Napi::Value fromError(Napi::Env env, const LibvirtError& error) {
  auto value = Napi::Error::New(env, error.what()).Value();
  value.Set("code", error.code());
  value.Set("number", error.number());
  value.Set("domain", error.domain());
  value.Set("lost", error.lost());
  return value;
}

}  // namespace hotplugd
