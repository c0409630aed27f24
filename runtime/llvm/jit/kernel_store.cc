#include "runtime/llvm/jit/kernel_store.h"

#include <fmt/format.h>

#include <optional>

#include "core/error.h"
#include "runtime/code_cache.h"
#include "runtime/llvm/cpu.h"
#include "runtime/llvm/jit/codegen_version.h"
#include "runtime/llvm/jit/perf_dump.h"
#include "runtime/llvm/jit/perf_map.h"
#include "runtime/llvm/jit/plugin.h"

namespace sinter::codegen {
namespace {

std::string cache_key(const Cpu& cpu, const std::string& text) {
  return fmt::format("kernel by {}\n{}\n{}\n{}", codegen_version(), cpu.name, cpu.features, text);
}

// What one call of get() still has to find, each text once.
struct Wanted {
  std::map<std::string, size_t> numbers;  // by text
  std::vector<const KernelPlan*> plans;
  std::vector<std::string> keys;
  std::vector<std::optional<KernelImage>> images;
};

void find_in_cache(const CodeCache& cache, Wanted& wanted) {
  for (size_t i = 0; i < wanted.plans.size(); ++i) {
    if (const std::optional<std::string> bytes = cache.find(wanted.keys[i]))
      wanted.images[i] = KernelImage::parse(*bytes);
  }
}

void compile_missing(const CodeCache& cache, Wanted& wanted) {
  std::vector<const KernelPlan*> plans;
  std::vector<size_t> numbers;
  for (size_t i = 0; i < wanted.plans.size(); ++i) {
    if (wanted.images[i]) continue;
    plans.push_back(wanted.plans[i]);
    numbers.push_back(i);
  }
  if (plans.empty()) return;
  const std::vector<std::string> images = compile_plans(host_cpu(), plans);
  std::vector<CodeCache::Entry> entries;
  for (size_t k = 0; k < numbers.size(); ++k) {
    std::optional<KernelImage>& image = wanted.images[numbers[k]];
    image = KernelImage::parse(images[k]);
    SINTER_CHECK(image.has_value(), plans[k]->text());
    entries.push_back({wanted.keys[numbers[k]], images[k]});
  }
  cache.put(entries);
}

}  // namespace

KernelStore& KernelStore::instance() {
  // Never destroyed: a model may outlive every static object.
  static auto* store = new KernelStore;
  return *store;
}

std::vector<std::shared_ptr<const LoadedKernel>> KernelStore::get(
    std::span<const std::unique_ptr<KernelPlan>> plans, bool use_cache) {
  std::vector<std::shared_ptr<const LoadedKernel>> result(plans.size());
  Wanted wanted;
  std::vector<std::map<std::string, size_t>::iterator> waiting(plans.size(), wanted.numbers.end());
  {
    const std::lock_guard lock(mutex_);
    for (size_t k = 0; k < plans.size(); ++k) {
      std::string text = plans[k]->key();
      if (const auto known = loaded_.find(text); known != loaded_.end()) {
        result[k] = known->second.lock();
        if (result[k] != nullptr) continue;
      }
      const auto [it, added] = wanted.numbers.try_emplace(std::move(text), wanted.plans.size());
      if (added) wanted.plans.push_back(plans[k].get());
      waiting[k] = it;
    }
  }
  if (wanted.plans.empty()) return result;
  wanted.keys.resize(wanted.plans.size());
  for (const auto& [text, number] : wanted.numbers)
    wanted.keys[number] = cache_key(host_cpu(), text);
  wanted.images.resize(wanted.plans.size());
  const CodeCache cache = use_cache ? CodeCache::standard() : CodeCache();
  find_in_cache(cache, wanted);
  compile_missing(cache, wanted);
  std::vector<KernelImage> images;
  for (std::optional<KernelImage>& image : wanted.images) images.push_back(std::move(*image));
  const std::vector<std::shared_ptr<const LoadedKernel>> loaded = load_kernels(images);
  name_for_perf(loaded, images, wanted.plans);
  dump_for_perf(loaded, images, wanted.plans);
  for (size_t k = 0; k < plans.size(); ++k) {
    if (waiting[k] != wanted.numbers.end()) result[k] = loaded[waiting[k]->second];
  }
  const std::lock_guard lock(mutex_);
  std::erase_if(loaded_, [](const auto& entry) { return entry.second.expired(); });
  for (const auto& [text, number] : wanted.numbers) loaded_[text] = loaded[number];
  return result;
}

}  // namespace sinter::codegen
