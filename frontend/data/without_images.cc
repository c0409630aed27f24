// In place of png.cc, jpeg.cc and archive.cc in a build with SINTER_WITH_IMAGES=OFF.
#include "core/error.h"
#include "core/line.h"
#include "frontend/data/archive.h"
#include "frontend/data/image_codecs.h"

namespace sinter {
namespace {

[[noreturn]] void raise_without(const std::string& what) {
  throw Error(what + ": this Sinter was built with SINTER_WITH_IMAGES=OFF");
}

}  // namespace

RawImage decode_png(std::string_view, const std::string& name) { raise_without(name); }
RawImage decode_jpeg(std::string_view, const std::string& name) { raise_without(name); }
std::string encode_png(const RawImage&) { raise_without("write_image: PNG"); }
std::string encode_jpeg(const RawImage&, int) { raise_without("write_image: JPEG"); }

namespace archive {

void create(const std::string& path, const std::string&, CreateOptions, SourceLocation where) {
  at_line(where, [&] { raise_without(path); });
}
void extract(const std::string& path, const std::string&, ExtractOptions, SourceLocation where) {
  at_line(where, [&] { raise_without(path); });
}

}  // namespace archive
}  // namespace sinter
