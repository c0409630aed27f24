// Everything a program needs that runs exported models with sinter::runtime alone: #include
// <sinter/runtime.h>, using namespace sinter.
#pragma once

#include "core/error.h"
#include "core/model_file.h"
#include "core/tensor.h"
#include "runtime/compile_options.h"
#include "runtime/executable.h"
#include "runtime/load.h"
#include "runtime/thread_pool.h"
