// Lists of tensors as arguments.
#include "frontend/data_argument.h"

namespace sinter {

Data::Data(Tensor tensor) : tensors_{std::move(tensor)} {}
Data::Data(std::vector<Tensor> tensors) : tensors_(std::move(tensors)) {}
Data::Data(std::initializer_list<Tensor> tensors) : tensors_(tensors) {}

}  // namespace sinter
