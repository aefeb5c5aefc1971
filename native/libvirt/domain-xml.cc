#include "domain-xml.h"

#include <algorithm>
#include <array>
#include <pugixml.hpp>
#include <string_view>

#include "error.h"

namespace hotplugd {

namespace {

// A serial may consist of blanks only, which pugixml drops unless told.
constexpr unsigned kParse = pugi::parse_default | pugi::parse_ws_pcdata_single;
constexpr int kLongestChain = 200;

pugi::xml_document parse(const char* xml, const char* root) {
  pugi::xml_document document;
  const auto result = document.load_string(xml, kParse);
  if (!result) throw LibvirtError("HOTPLUGD_BAD_XML", std::string("XML is not well-formed: ") + result.description());
  const auto first = document.first_child();
  if (std::string_view(first.name()) != root || first.next_sibling()) {
    throw LibvirtError("HOTPLUGD_BAD_XML", std::string("XML is not one <") + root + ">");
  }
  return document;
}

std::optional<std::string> text(const pugi::xml_attribute& attribute) {
  if (!attribute) return std::nullopt;
  return attribute.value();
}

std::optional<std::string> text(const pugi::xml_node& node) {
  if (!node) return std::nullopt;
  return node.text().get();
}

std::optional<std::string> pathOf(const pugi::xml_node& source) {
  if (const auto device = source.attribute("dev")) return device.value();
  return text(source.attribute("file"));
}

void addChain(pugi::xml_node layer, std::vector<std::string>& paths) {
  for (int depth = 0; layer && depth < kLongestChain; ++depth) {
    if (auto path = pathOf(layer.child("source"))) paths.push_back(*std::move(path));
    layer = layer.child("backingStore");
  }
}

std::optional<DriveAddress> addressOf(const pugi::xml_node& disk) {
  const auto address = disk.child("address");
  if (std::string_view(address.attribute("type").value()) != "drive") return std::nullopt;
  return DriveAddress{address.attribute("controller").as_int(), address.attribute("bus").as_int(),
                      address.attribute("target").as_int(), address.attribute("unit").as_int()};
}

Disk diskOf(const pugi::xml_node& node) {
  Disk disk;
  disk.target = node.child("target").attribute("dev").value();
  disk.bus = node.child("target").attribute("bus").value();
  disk.device = node.attribute("device").as_string("disk");
  disk.sourceType = node.attribute("type").as_string("file");
  disk.source = pathOf(node.child("source"));
  disk.format = text(node.child("driver").attribute("type"));
  disk.serial = text(node.child("serial"));
  disk.alias = text(node.child("alias").attribute("name"));
  disk.address = addressOf(node);
  disk.readonly = static_cast<bool>(node.child("readonly"));
  disk.shareable = static_cast<bool>(node.child("shareable"));
  addChain(node.child("backingStore"), disk.backing);
  addChain(node.child("mirror"), disk.backing);
  return disk;
}

bool isVirtioScsi(const pugi::xml_node& controller) {
  static constexpr std::array<std::string_view, 3> kModels = {"virtio-scsi", "virtio-transitional",
                                                               "virtio-non-transitional"};
  return std::string_view(controller.attribute("type").value()) == "scsi" &&
         std::ranges::find(kModels, std::string_view(controller.attribute("model").value())) != kModels.end();
}

std::string differs(const char* what, const std::string& is, const std::string& expected) {
  return std::string(what) + " is '" + is + "', not '" + expected + "'";
}

std::string show(const std::optional<DriveAddress>& address) {
  if (!address) return "none";
  return std::to_string(address->controller) + ':' + std::to_string(address->bus) + ':' +
         std::to_string(address->target) + ':' + std::to_string(address->unit);
}

}  // namespace

DomainDefinition parseDomain(const char* xml) {
  const auto document = parse(xml, "domain");
  const auto root = document.first_child();
  DomainDefinition domain;
  domain.uuid = root.child_value("uuid");
  domain.live = static_cast<bool>(root.attribute("id"));
  for (const auto& node : root.child("devices").children("disk")) domain.disks.push_back(diskOf(node));
  for (const auto& node : root.child("devices").children("controller")) {
    if (isVirtioScsi(node)) domain.scsiControllers.push_back(node.attribute("index").as_int());
  }
  std::ranges::sort(domain.scsiControllers);
  return domain;
}

Disk parseDisk(const std::string& xml) { return diskOf(parse(xml.c_str(), "disk").first_child()); }

std::optional<Disk> findDisk(const char* domainXml, const std::string& alias, bool live) {
  const auto document = parse(domainXml, "domain");
  if (live && !document.first_child().attribute("id")) return std::nullopt;
  for (const auto& node : document.first_child().child("devices").children("disk")) {
    if (alias == node.child("alias").attribute("name").value()) return diskOf(node);
  }
  return std::nullopt;
}

std::string difference(const Disk& disk, const ExpectedDisk& expected) {
  if (disk.alias != expected.alias) return differs("alias", disk.alias.value_or(""), expected.alias);
  if (disk.target != expected.target) return differs("target", disk.target, expected.target);
  if (disk.serial != expected.serial) return differs("serial", disk.serial.value_or(""), expected.serial);
  if (disk.source != expected.path) return differs("source", disk.source.value_or(""), expected.path);
  if (disk.address != expected.address) return differs("address", show(disk.address), show(expected.address));
  return {};
}

}  // namespace hotplugd
