#include "runtime/llvm/native/cross_cpu.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <llvm/MC/MCSubtargetInfo.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/TargetParser/Host.h>
#include <llvm/TargetParser/Triple.h>

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "core/error.h"
#include "runtime/llvm/jit/machine.h"

namespace sinter::codegen {
namespace {

struct Architecture {
  llvm::Triple::ArchType type;
  const char *target, *triple;  // what users write, and what LLVM takes it for
  const char *cpu, *features;   // what every machine of it has
};
constexpr std::array kArchitectures = {
    Architecture{llvm::Triple::aarch64, "aarch64-linux-gnu", "aarch64-linux-gnu", "generic",
                 "+neon"},
    Architecture{llvm::Triple::riscv64, "riscv64-linux-gnu", "riscv64-linux-gnu", "generic-rv64",
                 "+m,+a,+f,+d,+c"},
    Architecture{llvm::Triple::thumb, "arm-none-eabi", "thumbv7em-none-eabihf", "cortex-m7", ""},
    Architecture{llvm::Triple::wasm32, "wasm32", "wasm32-unknown-unknown", "generic",
                 "+simd128,+bulk-memory,+nontrapping-fptoint,+sign-ext"},
    Architecture{llvm::Triple::x86_64, "x86_64-linux-gnu", "x86_64-linux-gnu", "x86-64", ""},
};

const Architecture& find_architecture(const std::string& triple) {
  for (const Architecture& a : kArchitectures) {
    if (triple == a.target) return a;
  }
  const llvm::Triple parsed(triple);
  for (const Architecture& a : kArchitectures) {
    if (parsed.getArch() == a.type) return a;
  }
  std::vector<std::string> known;
  for (const Architecture& a : kArchitectures) known.emplace_back(a.target);
  raise_unknown_name("target", triple, known);
}

template <typename Entries>
bool names(const Entries& entries, const std::string& name) {
  return std::ranges::any_of(entries, [&](const auto& entry) { return name == entry.Key; });
}

// What its features say of vectors and of arithmetic in one instruction.
void describe_arithmetic(const llvm::Triple& triple, const llvm::MCSubtargetInfo& info, Cpu& cpu) {
  const auto has = [&](const char* features) { return info.checkFeatures(features); };
  constexpr int kScalarVectors = 8;  // of 4 lanes, in 32 registers for one number each
  switch (triple.getArch()) {
    case llvm::Triple::aarch64:
      cpu.has_fma = cpu.has_round = true;
      cpu.vector_registers = 32;
      break;
    case llvm::Triple::riscv64:
      cpu.has_fma = has("+f");
      cpu.has_round = has("+zfa");
      cpu.vector_registers = has("+v") ? 32 : kScalarVectors;
      break;
    case llvm::Triple::thumb:
      cpu.has_fma = has("+vfp4d16sp");
      cpu.has_round = has("+fp-armv8d16sp");
      cpu.vector_registers = kScalarVectors;
      break;
    case llvm::Triple::wasm32: cpu.has_round = true; break;
    default:
      cpu.has_fma = has("+fma");
      cpu.has_round = has("+sse4.1");
      if (has("+avx2")) cpu.vector_bytes = 32;
      if (has("+avx512f") && has("+avx512bw") && has("+avx512dq") && has("+avx512vl")) {
        cpu.vector_bytes = 64;
        cpu.vector_registers = 32;
        cpu.has_avx512 = true;
      }
  }
}

}  // namespace

Cpu cross_cpu(const std::string& triple, const std::string& name) {
  const std::string wanted = triple.empty() ? llvm::sys::getProcessTriple() : triple;
  const Architecture& architecture = find_architecture(wanted);
  Cpu cpu;
  cpu.triple =
      llvm::Triple::normalize(wanted == architecture.target ? architecture.triple : wanted);
  const size_t comma = name.find(',');
  cpu.name = name.substr(0, comma);
  if (cpu.name.empty()) {
    cpu.name = architecture.cpu;
    cpu.features = architecture.features;
  }
  if (comma != std::string::npos)
    cpu.features += (cpu.features.empty() ? "" : ",") + name.substr(comma + 1);

  const llvm::Target& target = find_target(cpu.triple);
  const auto subtarget = [&](const std::string& with_cpu, const std::string& features) {
    return std::unique_ptr<llvm::MCSubtargetInfo>(
        target.createMCSubtargetInfo(cpu.triple, with_cpu, features));
  };
  // LLVM itself warns on standard error, and goes on.
  const auto known = subtarget("", "");
  if (!names(known->getAllProcessorDescriptions(), cpu.name)) {
    std::vector<std::string> cpus;
    for (const llvm::SubtargetSubTypeKV& entry : known->getAllProcessorDescriptions())
      cpus.emplace_back(entry.Key);
    const std::string near = nearest_name(cpu.name, cpus);
    throw NameError(fmt::format(
        "unknown CPU '{}' of {}{} Names are LLVM's, as clang's -mcpu has them", cpu.name,
        cpu.triple, near.empty() ? "." : fmt::format("; did you mean '{}'?", near)));
  }
  for (size_t at = 0; at < cpu.features.size();) {
    const size_t end = std::min(cpu.features.find(',', at), cpu.features.size());
    const std::string feature = cpu.features.substr(at, end - at);
    if (feature.size() < 2 || (feature[0] != '+' && feature[0] != '-') ||
        !names(known->getAllProcessorFeatures(), feature.substr(1))) {
      throw NameError(
          fmt::format("unknown feature '{}' of {}: features are LLVM's, behind + or -, as in "
                      "'{},+{}'",
                      feature, cpu.triple, cpu.name, known->getAllProcessorFeatures().front().Key));
    }
    at = end + 1;
  }
  const llvm::Triple parsed(cpu.triple);
  const auto info = subtarget(cpu.name, cpu.features);
  describe_arithmetic(parsed, *info, cpu);
  cpu.pointer_bytes = parsed.isArch32Bit() ? 4 : 8;
  if (parsed.isRISCV())
    cpu.abi = info->checkFeatures("+d") ? "lp64d" : info->checkFeatures("+f") ? "lp64f" : "lp64";
  return cpu;
}

}  // namespace sinter::codegen
