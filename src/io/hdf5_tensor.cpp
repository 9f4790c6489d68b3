#include <ATen/ATen.h>

#include <bit>

#include "src/io/hdf5_call.hpp"

namespace taut::io {
namespace {

static_assert(std::endian::native == std::endian::little, "files hold little-endian values");

hid_t copy_of(hid_t type) { return H5Tcopy(type); }

// IEEE binary16, which the library has no name for.
hid_t half_type() {
  const hid_t type = H5Tcopy(H5T_IEEE_F32LE);
  if (type < 0 || H5Tset_fields(type, 15, 10, 5, 0, 10) < 0 || H5Tset_size(type, 2) < 0 ||
      H5Tset_ebias(type, 15) < 0) {
    return -1;
  }
  return type;
}

struct Dtype {
  at::ScalarType torch;
  const char* tag;  // attribute "dtype" of the types that HDF5 lacks; "" for the others
  hid_t (*make)();
};

const Dtype kDtypes[] = {
    {at::kFloat, "", [] { return copy_of(H5T_IEEE_F32LE); }},
    {at::kDouble, "", [] { return copy_of(H5T_IEEE_F64LE); }},
    {at::kHalf, "", half_type},
    {at::kFloat8_e4m3fn, "float8_e4m3fn", [] { return copy_of(H5T_STD_U8LE); }},
    {at::kBFloat16, "bfloat16", [] { return copy_of(H5T_STD_U16LE); }},
    {at::kLong, "", [] { return copy_of(H5T_STD_I64LE); }},
    {at::kByte, "", [] { return copy_of(H5T_STD_U8LE); }},
    {at::kBool, "bool", [] { return copy_of(H5T_STD_U8LE); }},
};

const Dtype& dtype_of(hid_t dataset, const std::string& where) {
  const Handle stored = owned(H5Dget_type(dataset), H5Tclose, where, "read");
  const std::string tag =
      has_attribute(dataset, "dtype", where) ? text_attribute(dataset, "dtype", where) : "";
  for (const Dtype& dtype : kDtypes) {
    const Handle type = owned(dtype.make(), H5Tclose, where, "make a type");
    if (tag == dtype.tag && H5Tequal(stored.id(), type.id()) > 0) return dtype;
  }
  fail(
      "{} has a type that is not read here; expected little-endian float, double, half, bfloat16, "
      "float8_e4m3fn, int64, uint8 or bool",
      where);
}

Handle space_of(c10::IntArrayRef sizes, const std::string& where) {
  if (sizes.empty()) return owned(H5Screate(H5S_SCALAR), H5Sclose, where, "write");
  const std::vector<hsize_t> dims(sizes.begin(), sizes.end());
  return owned(H5Screate_simple(static_cast<int>(dims.size()), dims.data(), nullptr), H5Sclose,
               where, "write");
}

}  // namespace

void Group::write(const std::string& name, const at::Tensor& tensor) {
  require(tensor.defined(), "{}: expected a tensor, got none", where(name));
  require(tensor.dim() <= kMaxRank, "{} has {} dimensions, more than {}", where(name), tensor.dim(),
          kMaxRank);
  const at::Tensor plain = tensor.detach().to(at::kCPU).contiguous();
  for (const Dtype& dtype : kDtypes) {
    if (dtype.torch != plain.scalar_type()) continue;
    const Handle type = owned(dtype.make(), H5Tclose, where(name), "make a type");
    const Handle space = space_of(plain.sizes(), where(name));
    const Handle dataset = make_dataset(handle_.id(), name, type.id(), space, where(name));
    if (*dtype.tag != '\0') set_attribute(dataset.id(), "dtype", dtype.tag, where(name));
    if (plain.numel() == 0) return;
    checked(H5Dwrite(dataset.id(), type.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, plain.data_ptr()),
            where(name), "write");
    return;
  }
  fail("{}: tensors of type {} cannot be stored", where(name), toString(plain.scalar_type()));
}

at::Tensor Group::read(const std::string& name) const {
  const Handle dataset = open_dataset(handle_.id(), name, where(name));
  const Dtype& dtype = dtype_of(dataset.id(), where(name));
  const std::vector<int64_t> shape =
      claim_shape(dataset.id(), c10::elementSize(dtype.torch), *file_, where(name));
  // A bool that is neither 0 nor 1 is undefined behaviour, so bytes are looked at first.
  const bool boolean = dtype.torch == at::kBool;
  at::Tensor tensor = at::empty(shape, boolean ? at::kByte : dtype.torch);
  if (tensor.numel() > 0) {
    const Handle type = owned(dtype.make(), H5Tclose, where(name), "make a type");
    checked(H5Dread(dataset.id(), type.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, tensor.data_ptr()),
            where(name), "read");
  }
  if (!boolean) return tensor;
  require(tensor.numel() == 0 || tensor.max().item<uint8_t>() <= 1,
          "{}: expected truth values, got other numbers", where(name));
  return tensor.to(at::kBool);
}

void Group::write_doubles(const std::string& name, const std::vector<double>& values) {
  write(name, at::tensor(values, at::kDouble));
}

std::vector<double> Group::read_doubles(const std::string& name) const {
  const at::Tensor values = read(name);
  require(values.scalar_type() == at::kDouble && values.dim() == 1,
          "{}: expected a list of doubles, got {}", where(name), shape_text(values.sizes()));
  const double* begin = values.const_data_ptr<double>();
  return std::vector<double>(begin, begin + values.numel());
}

}  // namespace taut::io
