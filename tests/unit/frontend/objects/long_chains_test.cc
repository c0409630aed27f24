// Chains of layers and models as long as memory: making and letting them go calls nothing once for
// each link within the one before.
#include <gtest/gtest.h>
#include <pthread.h>
#include <sinter/sinter.h>

#include <functional>

#include "core/graph.h"
#include "core/text.h"
#include "frontend/layer_call.h"
#include "frontend/model_state.h"

namespace sinter {
namespace {

// On a stack of 256 kB, where a thousand calls within each other may be too many.
void on_a_small_stack(std::function<void()> f) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, size_t{256} << 10), 0);
  pthread_t thread;
  ASSERT_EQ(pthread_create(
                &thread, &attributes,
                [](void* argument) -> void* {
                  (*static_cast<std::function<void()>*>(argument))();
                  return nullptr;
                },
                &f),
            0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

TEST(LongChains, OfLayerCallsGo) {
  on_a_small_stack([] {
    std::weak_ptr<const LayerCall> first;
    {
      KerasTensor h = Input({3});
      first = h.call();
      for (int i = 0; i < 20000; ++i) h = relu(h);
    }
    EXPECT_TRUE(first.expired());
    const Layer dense = Dense(3);
    {
      const KerasTensor in = Input({3});
      first = in.call();
      KerasTensor h = in;
      for (int i = 0; i < 5000; ++i) h = dense(h) + h;
      const Model model(in, h);
    }
    EXPECT_TRUE(first.expired());
  });
}

TEST(LongChains, OfModelsInModelsGo) {
  on_a_small_stack([] {
    std::vector<std::weak_ptr<ModelState>> states;
    {
      const KerasTensor in = Input({3});
      Model model(in, relu(in));
      for (int i = 0; i < 500; ++i) {
        states.push_back(model.state());
        const KerasTensor x = Input({3});
        const Model outer(x, model(x));
        model = outer;
      }
    }
    for (const auto& state : states) EXPECT_TRUE(state.expired());
  });
}

TEST(LongChains, OfModelsInModelsHaveAnEnd) {
  const auto nested = [](int depth) {
    const KerasTensor in = Input({3});
    Model model(in, relu(in));
    for (int i = 0; i < depth; ++i) {
      const KerasTensor x = Input({3});
      model = Model(x, model(x));
    }
    return model;
  };
  const Model deep = nested(500);
  EXPECT_EQ(deep.predict(Tensor(float32, {1, 3})).at(0), 0);
  EXPECT_EQ(clone_model(deep).predict(Tensor(float32, {1, 3})).at(0), 0);
  EXPECT_EQ(model_from_json(deep.to_json()).predict(Tensor(float32, {1, 3})).at(0), 0);
  EXPECT_THROW(nested(501), Error);
}

// Were each number tried from 1 on, this would take an hour.
TEST(LongChains, OfWeightsOfOneNameAreNumbered) {
  std::vector<VariablePtr> weights;
  for (int i = 0; i < 40000; ++i)
    weights.push_back(std::make_shared<Variable>("v", "v", Tensor(float32, {}), true));
  const CompiledFunction all([&](CallContext& context) {
    std::vector<Symbol> values;
    for (const VariablePtr& v : weights) values.push_back(reshape(context.variable(v), {1}));
    return sum(concat(values, 0));
  });
  const Graph graph = all.graph({});
  EXPECT_EQ(graph.node(graph.variables()[0]).name, "v");
  EXPECT_EQ(graph.node(graph.variables()[1]).name, "v_1");
  EXPECT_EQ(graph.node(graph.variables()[39999]).name, "v_39999");
}

TEST(LongChains, OfSymbolsAndGraphsGo) {
  on_a_small_stack([] {
    Graph graph("g");
    Symbol x = graph.input("x", {float32, {3}});
    for (int i = 0; i < 20000; ++i) x = relu(x);
    graph.add_output("y", x.id());
    const Graph read = parse_graph(to_text(graph));
    EXPECT_EQ(read.size(), graph.size());
  });
}

}  // namespace
}  // namespace sinter
