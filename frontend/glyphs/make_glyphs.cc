// make-glyphs: a set of letters like notMNIST, drawn with the fonts of the machine.
//
// Exit codes: 0 done, 1 sinter::Error, 2 usage.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <string>
#include <system_error>
#include <vector>

#include "core/error.h"
#include "frontend/data/image.h"
#include "frontend/glyphs/glyph_face.h"
#include "frontend/progress.h"

namespace sinter::glyphs {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> folders_of_machine() {
  std::vector<std::string> result = {"/usr/share/fonts", "/usr/local/share/fonts"};
  if (const char* home = std::getenv("HOME")) {
    result.push_back(std::string(home) + "/.fonts");
    result.push_back(std::string(home) + "/.local/share/fonts");
  }
  return result;
}

/// Files in the folders, sorted by their paths. Those that are given must be there.
std::vector<std::string> files_below(const std::vector<std::string>& folders, bool given) {
  std::vector<std::string> result;
  for (const std::string& folder : folders) {
    std::error_code error;
    fs::recursive_directory_iterator at(folder, fs::directory_options::skip_permission_denied,
                                        error);
    if (error && given)
      throw FileError(fmt::format("cannot read the folder '{}': {}", folder, error.message()));
    for (const fs::recursive_directory_iterator end; !error && at != end; at.increment(error)) {
      std::error_code ignored;
      if (at->is_regular_file(ignored)) result.push_back(at->path().string());
    }
  }
  std::ranges::sort(result);
  return result;
}

/// "ABC" as letters; UTF-8.
std::vector<char32_t> letters_of(const std::string& text) {
  std::vector<char32_t> result;
  for (size_t i = 0; i < text.size();) {
    const auto first = static_cast<unsigned char>(text[i]);
    const size_t length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (i + length > text.size() || (first >= 0x80 && first < 0xC2) || first > 0xF4)
      throw Error("make-glyphs: --letters is no UTF-8");
    char32_t letter = length == 1 ? first : first & (0xFF >> (length + 1));
    for (size_t k = 1; k < length; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      if ((next & 0xC0) != 0x80) throw Error("make-glyphs: --letters is no UTF-8");
      letter = letter << 6 | (next & 0x3F);
    }
    result.push_back(letter);
    i += length;
  }
  if (result.empty()) throw Error("make-glyphs: --letters holds no letter");
  return result;
}

/// The letter itself where it is one of ASCII, else its number: names of folders.
std::string folder_of(char32_t letter) {
  const bool plain = (letter >= 'A' && letter <= 'Z') || (letter >= 'a' && letter <= 'z') ||
                     (letter >= '0' && letter <= '9');
  return plain ? std::string(1, static_cast<char>(letter))
               : fmt::format("U+{:04X}", static_cast<uint32_t>(letter));
}

struct Asked {
  std::string output, letters = "ABCDEFGHIJ";
  std::vector<std::string> fonts;
  int size = 28;
};

void make(const Asked& asked) {
  const std::vector<char32_t> letters = letters_of(asked.letters);
  const std::vector<std::string> files =
      files_below(asked.fonts.empty() ? folders_of_machine() : asked.fonts, !asked.fonts.empty());
  std::set<std::vector<std::vector<uint8_t>>> drawn;
  std::set<std::string> names;
  int left_out = 0;
  for (const char32_t letter : letters)
    fs::create_directories(fs::path(asked.output) / folder_of(letter));
  for (const std::string& file : progress(files, {.description = "make-glyphs", .unit = "file"})) {
    for (const Face& face : Face::open(file)) {
      std::vector<std::vector<uint8_t>> pictures;
      for (const char32_t letter : letters) {
        Glyph glyph = face.draw(letter, asked.size);
        if (!glyph.pixels.empty()) pictures.push_back(std::move(glyph.pixels));
      }
      // A font whose letters are all alike, or those of another one, teaches nothing.
      const bool whole = pictures.size() == letters.size();
      const bool symbols =
          whole && letters.size() > 1 && std::ranges::count(pictures, pictures[0]) > 1;
      if (!whole || symbols || !drawn.insert(pictures).second) {
        ++left_out;
        continue;
      }
      std::string name = face.name();
      for (int i = 2; !names.insert(name).second; ++i) name = fmt::format("{}-{}", face.name(), i);
      for (size_t i = 0; i < letters.size(); ++i) {
        write_image(fmt::format("{}/{}/{}.png", asked.output, folder_of(letters[i]), name),
                    Tensor::from<uint8_t>({asked.size, asked.size}, pictures[i]));
      }
    }
  }
  if (names.empty())
    throw Error("make-glyphs: no font with these letters; --fonts names folders with font files");
  fmt::print("{} fonts, {} pictures in '{}' ({} fonts left out)\n", names.size(),
             names.size() * letters.size(), asked.output, left_out);
}

}  // namespace
}  // namespace sinter::glyphs

int main(int argc, char** argv) {
  sinter::glyphs::Asked asked;
  CLI::App app("Draws a folder of pictures for each letter, with the fonts of this machine.");
  app.add_option("output", asked.output, "Folder to make")->required();
  app.add_option("--letters", asked.letters, "Letters (ABCDEFGHIJ)");
  app.add_option("--fonts", asked.fonts, "Folders with font files (those of the machine)");
  app.add_option("--size", asked.size, "Pixels of a side (28)")->check(CLI::Range(8, 1024));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  try {
    sinter::glyphs::make(asked);
  } catch (const std::exception& error) {
    std::fputs(fmt::format("{}\n", error.what()).c_str(), stderr);
    return 1;
  }
}
