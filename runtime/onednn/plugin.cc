#include "runtime/onednn/plugin.h"

#include "runtime/onednn/plugin_version.h"
#include "runtime/plugin.h"

namespace sinter::onednn {

const Plugin& plugin() {
  static const auto* opened = static_cast<const Plugin*>(
      open_plugin({.name = "sinter_dnnl",
                   .variable = "SINTER_DNNL",
                   .wanted = "backend onednn needs the part of Sinter that calls oneDNN, which",
                   .binds_own_names = true},
                  plugin_version()));
  return *opened;
}

}  // namespace sinter::onednn
