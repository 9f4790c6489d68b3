#pragma once

#include <hdf5.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "src/io/run.hpp"

// What another program might do to a file of ours.
namespace taut::test {

inline void put(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

// Without its seal a file is judged by its contents alone.
inline std::string unsealed(std::string bytes) {
  if (bytes.size() > 512) bytes.replace(0, 512, 512, '\0');
  return bytes;
}

// Opens an HDF5 file for changes, calls `change` with it and takes off the seal.
template <class Change>
void tamper(const std::filesystem::path& path, Change&& change) {
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  change(file);
  H5Fclose(file);
  put(path, unsealed(io::read_text(path)));
}

// A dataset of `type` and `dims` with the properties `made`; holds no data unless `data` is given.
inline void add_dataset(hid_t file, const char* name, hid_t type, std::vector<hsize_t> dims,
                        hid_t made = H5P_DEFAULT, const void* data = nullptr) {
  const hid_t space = H5Screate_simple(static_cast<int>(dims.size()), dims.data(), nullptr);
  const hid_t dataset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, made, H5P_DEFAULT);
  if (data != nullptr) H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data);
  H5Dclose(dataset);
  H5Sclose(space);
}

// Overwrites the first values of a float dataset.
inline void overwrite(hid_t file, const char* name, float value) {
  const hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
  const hid_t space = H5Dget_space(dataset);
  std::vector<float> values(static_cast<size_t>(H5Sget_simple_extent_npoints(space)), 0.5f);
  values.back() = value;
  H5Dwrite(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
  H5Sclose(space);
  H5Dclose(dataset);
}

inline void replace_attribute(hid_t file, const char* object, const char* name, hid_t type,
                              const void* value) {
  H5Adelete_by_name(file, object, name, H5P_DEFAULT);
  const hid_t space = H5Screate(H5S_SCALAR);
  const hid_t attribute =
      H5Acreate_by_name(file, object, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  H5Awrite(attribute, type, value);
  H5Aclose(attribute);
  H5Sclose(space);
}

inline void replace_integer(hid_t file, const char* object, const char* name, int64_t value) {
  replace_attribute(file, object, name, H5T_STD_I64LE, &value);
}

inline void replace_number(hid_t file, const char* object, const char* name, double value) {
  replace_attribute(file, object, name, H5T_IEEE_F64LE, &value);
}

inline void replace_text(hid_t file, const char* object, const char* name,
                         const std::string& value) {
  const hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, value.size());
  H5Tset_strpad(type, H5T_STR_NULLPAD);
  replace_attribute(file, object, name, type, value.c_str());
  H5Tclose(type);
}

inline size_t entries(const std::filesystem::path& folder) {
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

}  // namespace taut::test
