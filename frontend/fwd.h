// The names of Sinter without what they are, for headers of programs: #include <sinter/fwd.h>.
#pragma once

namespace sinter {

class Callback;
class CallContext;
class CompiledFunction;
class Config;
class Data;
class Dataset;
class Element;
class Error;
class Graph;
class KerasTensor;
class Layer;
class LayerImpl;
class Loss;
class Metric;
class MetricImpl;
class Model;
class Optimizer;
class Sequential;
class Shape;
class Symbol;
class Tensor;
struct Evaluation;
struct FitOptions;
struct History;
struct Variable;

}  // namespace sinter
