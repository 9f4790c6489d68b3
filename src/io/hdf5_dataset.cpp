#include <algorithm>
#include <limits>

#include "src/io/hdf5_call.hpp"

namespace taut::io {
namespace {

std::vector<int64_t> shape_of(hid_t dataset, const std::string& where) {
  const Handle space = owned(H5Dget_space(dataset), H5Sclose, where, "read");
  const H5S_class_t kind = H5Sget_simple_extent_type(space.id());
  if (kind == H5S_SCALAR) return {};
  require(kind == H5S_SIMPLE, "{} has no shape", where);
  const int rank = checked(H5Sget_simple_extent_ndims(space.id()), where, "read");
  require(rank <= kMaxRank, "{} has {} dimensions, more than {}", where, rank, kMaxRank);
  hsize_t dims[kMaxRank];
  checked(H5Sget_simple_extent_dims(space.id(), dims, nullptr), where, "read");
  std::vector<int64_t> shape;
  for (int i = 0; i < rank; ++i) {
    require(dims[i] <= static_cast<hsize_t>(std::numeric_limits<int64_t>::max()),
            "{} has an impossible dimension of {}", where, dims[i]);
    shape.push_back(static_cast<int64_t>(dims[i]));
  }
  return shape;
}

}  // namespace

Handle make_dataset(hid_t group, const std::string& name, hid_t type, const Handle& space,
                    const std::string& where) {
  check_name(name, where);
  const Handle made = owned(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, where, "write");
  checked(H5Pset_layout(made.id(), H5D_CONTIGUOUS), where, "write");
  checked(H5Pset_fill_time(made.id(), H5D_FILL_TIME_NEVER), where, "write");
  checked(H5Pset_obj_track_times(made.id(), false), where, "write");
  const hid_t id =
      H5Dcreate2(group, name.c_str(), type, space.id(), H5P_DEFAULT, made.id(), H5P_DEFAULT);
  return owned(id, H5Dclose, where, "write");
}

Handle open_dataset(hid_t group, const std::string& name, const std::string& where) {
  require(has_link(group, name, where), "{} is missing", where);
  Handle dataset = owned(H5Dopen2(group, name.c_str(), H5P_DEFAULT), H5Dclose, where, "open");
  const Handle made = owned(H5Dget_create_plist(dataset.id()), H5Pclose, where, "read");
  const H5D_layout_t layout = H5Pget_layout(made.id());
  require(layout == H5D_CONTIGUOUS || layout == H5D_COMPACT,
          "{}: expected contiguous data, got chunks or a virtual dataset", where);
  require(H5Pget_nfilters(made.id()) == 0 && H5Pget_external_count(made.id()) == 0,
          "{}: expected plain data, got compressed data or data in another file", where);
  return dataset;
}

std::vector<int64_t> claim_shape(hid_t dataset, size_t item, FileState& file,
                                 const std::string& where) {
  std::vector<int64_t> shape = shape_of(dataset, where);
  // LibTorch multiplies max(1, size), so an overflow hides behind a zero as well.
  int64_t bytes = static_cast<int64_t>(item), padded = bytes;
  bool fits = true;
  for (const int64_t size : shape) {
    fits = fits && !__builtin_mul_overflow(padded, std::max<int64_t>(size, 1), &padded);
    if (fits) bytes *= size;
  }
  require(fits && bytes <= file.unread, "{} claims {} values, more than the file has", where,
          shape_text(shape));
  require(H5Dget_storage_size(dataset) == static_cast<hsize_t>(bytes),
          "{} holds less data than its shape {} says", where, shape_text(shape));
  file.unread -= bytes;
  return shape;
}

}  // namespace taut::io
