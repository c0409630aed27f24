// Kernel images: bytes and back, damage of any kind, calls into this process; and the names of
// CPUs.
#include <optional>

#include "runtime/llvm/jit/kernel_image.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "runtime/llvm/cpu.h"

namespace sinter::codegen {
namespace {

// Function 0 returns 42; function 1 goes to floor() through its slot.
KernelImage example() {
  KernelImage image;
  image.code.append("\xb8\x2a\x00\x00\x00\xc3\xcc\xcc", 8);  // mov $42, %eax; ret
  image.code.append("\xff\x25\x02\x00\x00\x00\xcc\xcc", 8);  // jmp *2(%rip)
  image.code.append(8, '\0');
  image.functions = {0, 8};
  image.imports = {{import_number("floor").value(), 16}};
  return image;
}

TEST(KernelImage, BytesAndBack) {
  const KernelImage image = example();
  const std::optional<KernelImage> read = KernelImage::parse(image.to_bytes());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->functions, image.functions);
  EXPECT_EQ(read->code, image.code);
  ASSERT_EQ(read->imports.size(), 1u);
  EXPECT_EQ(read->imports[0].function, image.imports[0].function);
  EXPECT_EQ(read->imports[0].slot, 16u);
}

TEST(KernelImage, ForADebugger) {
  KernelImage image = example();
  image.sections = {{2, 0}, {4, 16}};
  image.object = "an object file";
  const std::optional<KernelImage> read = KernelImage::parse(image.to_bytes());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->code, image.code);
  EXPECT_EQ(read->object, image.object);
  ASSERT_EQ(read->sections.size(), 2u);
  EXPECT_EQ(read->sections[1].number, 4u);
  EXPECT_EQ(read->sections[1].offset, 16u);
  const std::string bytes = image.to_bytes();
  for (size_t length = 0; length < bytes.size(); ++length)
    EXPECT_FALSE(KernelImage::parse(std::string_view(bytes).substr(0, length))) << length;
}

#if defined(__x86_64__)
TEST(KernelImage, LoadedFunctionsRunAndOutliveEachOther) {
  const std::vector<KernelImage> images = {example(), KernelImage(), example()};
  std::vector<std::shared_ptr<const LoadedKernel>> kernels = load_kernels(images);
  ASSERT_EQ(kernels.size(), 3u);
  EXPECT_EQ(kernels[1]->functions(), 0u);
  kernels.erase(kernels.begin(), kernels.begin() + 2);
  ASSERT_EQ(kernels[0]->functions(), 2u);
  EXPECT_EQ(reinterpret_cast<int (*)()>(kernels[0]->function(0))(), 42);
  EXPECT_EQ(reinterpret_cast<double (*)(double)>(kernels[0]->function(1))(2.75), 2.0);
}
#endif

TEST(KernelImage, CutOrLongerBytesAreNoImage) {
  const std::string bytes = example().to_bytes();
  for (size_t length = 0; length < bytes.size(); ++length)
    EXPECT_FALSE(KernelImage::parse(std::string_view(bytes).substr(0, length))) << length;
  EXPECT_FALSE(KernelImage::parse(bytes + "x"));
}

// The cache's checksum finds every damage; parse() alone must at least give nothing out of bounds.
TEST(KernelImage, FlippedBitsGiveNothingOutOfBounds) {
  const std::string bytes = example().to_bytes();
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    const std::optional<KernelImage> image = KernelImage::parse(damaged);
    if (bit < 64) EXPECT_FALSE(image) << "bit " << bit << " of the magic number";
    if (!image) continue;
    for (uint32_t offset : image->functions) EXPECT_LT(offset, image->code.size());
    for (const KernelImage::Import& import : image->imports)
      EXPECT_LE(import.slot + 8, image->code.size());
  }
}

TEST(KernelImage, PlacesOutsideOfTheCodeAreRefused) {
  const auto refused = [](auto change) {
    KernelImage image = example();
    change(image);
    return !KernelImage::parse(image.to_bytes());
  };
  EXPECT_TRUE(refused([](KernelImage& i) { i.functions[1] = 24; }));
  EXPECT_TRUE(refused([](KernelImage& i) { i.imports[0].slot = 24; }));
  EXPECT_TRUE(refused([](KernelImage& i) { i.imports[0].slot = 12; }));
  EXPECT_TRUE(refused([](KernelImage& i) { i.imports[0].slot = ~uint32_t{7}; }));
  EXPECT_TRUE(refused([](KernelImage& i) { i.imports[0].function = 1000; }));
  EXPECT_FALSE(refused([](KernelImage&) {}));
}

TEST(KernelImage, OnlyListedFunctionsMayBeCalled) {
  EXPECT_TRUE(import_number("memcpy"));
  EXPECT_FALSE(import_number("system"));
}

TEST(Cpu, LevelsByName) {
  EXPECT_EQ(find_cpu("x86-64").vector_bytes, 16);
  EXPECT_FALSE(find_cpu("x86-64").has_fma);
  EXPECT_EQ(find_cpu("x86-64-v3").vector_bytes, 32);
  EXPECT_EQ(find_cpu("x86-64-v4").vector_bytes, 64);
  EXPECT_EQ(find_cpu("").name, "native");
  try {
    find_cpu("z80");
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "SINTER_CPU must be x86-64, x86-64-v3 or x86-64-v4, found 'z80'");
  }
}

}  // namespace
}  // namespace sinter::codegen
