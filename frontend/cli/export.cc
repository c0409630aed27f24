// sinter export: a model as native code with a C header.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "frontend/cli/command.h"
#include "frontend/cli/model_argument.h"
#include "frontend/native/export_native.h"
#include "ops/ops.h"

namespace sinter::cli {
namespace {

struct Options {
  std::string model, output;
  ExportOptions how;
};

std::string size_text(int64_t bytes) {
  if (bytes < 10 << 10) return fmt::format("{} bytes", bytes);
  if (bytes < 10 << 20) return fmt::format("{:.1f} KiB", static_cast<double>(bytes) / (1 << 10));
  return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1 << 20));
}

void run(const Options& options) {
  register_ops();
  const ModelUse use = options.how.training ? ModelUse::kTraining : ModelUse::kPrediction;
  const NativeFiles files =
      export_native(open_model(options.model, use), options.output, options.how, SourceLocation());
  print(fmt::format("{}: {}, workspace of {}\n{}: the C header, a {} beside it\n", files.code,
                    size_text(files.code_bytes), size_text(files.workspace_bytes), files.header,
                    options.how.emit == "wasm" ? ".mjs for JavaScript" : ".hpp for C++"));
  if (is_json(options.model) && !options.how.training)
    std::fputs(
        "sinter export: an architecture alone holds no trained weights: the code has initial "
        "ones\n",
        stderr);
}

}  // namespace

Action add_export(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "export", "Write a model as native code with a C header, which needs nothing of Sinter");
  auto o = std::make_shared<Options>();
  command
      ->add_option("model", o->model,
                   "A .sinter file, or a .json architecture with initial weights (--training takes "
                   "its compile_config)")
      ->type_name("MODEL")
      ->required();
  command
      ->add_option("--output", o->output,
                   "Where the code goes, without an ending; the header is beside it")
      ->type_name("PATH")
      ->required();
  command
      ->add_option(
          "--emit", o->how.emit,
          "object (.o), static (.a), shared (.so), assembly (.s), llvm-ir (.ll), c (.c: C11) or "
          "wasm (.wasm and .mjs)")
      ->type_name("KIND")
      ->capture_default_str();
  command
      ->add_option("--batch", o->how.batches,
                   "Numbers of rows with a function each, as in 1,32: NAME_predict for the first "
                   "one, NAME_predict_ROWS for the others")
      ->type_name("ROWS")
      ->delimiter(',')
      ->check(count_from(1))
      ->capture_default_str();
  command
      ->add_option("--cpu", o->how.cpu,
                   "native (of another target: what all of its machines have), a level of x86-64: "
                   "x86-64, x86-64-v3 (AVX2), x86-64-v4 (AVX-512), or "
                   "one of LLVM's names with features: znver4, generic-rv64,+v")
      ->type_name("CPU")
      ->capture_default_str();
  command
      ->add_option("--target", o->how.target,
                   "Machines of another kind: aarch64-linux-gnu, riscv64-linux-gnu, arm-none-eabi "
                   "(Cortex-M7), wasm32, x86_64-linux-gnu")
      ->type_name("TRIPLE");
  command->add_flag("--multiversion", o->how.multiversion,
                    "Code for all three levels in one file, chosen when it is loaded");
  command
      ->add_option(
          "--threads", o->how.threads,
          "More than 1: functions take a parallel_for of the caller's, for so many threads")
      ->type_name("COUNT")
      ->check(count_from(1))
      ->capture_default_str();
  command->add_flag("--training", o->how.training,
                    "Adds NAME_train_step for the first number of rows, with weights and the "
                    "optimizer's state in the caller's memory");
  command
      ->add_option("--name", o->how.name,
                   "What the names in C begin with; otherwise the name of the file")
      ->type_name("NAME");
  return [o] { run(*o); };
}

}  // namespace sinter::cli
