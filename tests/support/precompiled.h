#pragma once

// What nearly every test includes and no change of the tree touches, compiled once for all of them: reading these headers is a
// quarter of the time that a file of tests takes. Files include what they use all the same; CMAKE_DISABLE_PRECOMPILE_HEADERS=ON
// builds without this.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <thread>
#include <vector>
