#include "src/io/hdf5_call.hpp"
#include "src/io/seal.hpp"

namespace taut::io {
namespace {

constexpr hsize_t kMembers = 100000;
constexpr size_t kGrowth = size_t{1} << 20;

// Creation order is kept, so that lists come back as they were written; times are not, so that
// equal contents make equal files.
void keep_order(hid_t made, const std::string& where) {
  constexpr unsigned kOrder = H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED;
  checked(H5Pset_link_creation_order(made, kOrder), where, "write");
  checked(H5Pset_obj_track_times(made, false), where, "write");
}

// No locks: a published file never changes, and some network file systems have none.
Handle access_properties(const std::string& where) {
  Handle made = owned(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, where, "open");
  checked(H5Pset_file_locking(made.id(), false, true), where, "open");
  // The format of 1.8 carries checksums in its metadata, the older one does not.
  checked(H5Pset_libver_bounds(made.id(), H5F_LIBVER_V18, H5F_LIBVER_V18), where, "open");
  return made;
}

Group root_group(hid_t file, const std::shared_ptr<FileState>& state) {
  const std::string where = state->path.string();
  return Group(owned(H5Gopen2(file, "/", H5P_DEFAULT), H5Gclose, where, "open"), "", state);
}

hid_t index_of_creation(hid_t group, const std::string& where) {
  const Handle made = owned(H5Gget_create_plist(group), H5Pclose, where, "list");
  unsigned flags = 0;
  checked(H5Pget_link_creation_order(made.id(), &flags), where, "list");
  return (flags & H5P_CRT_ORDER_TRACKED) != 0 ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME;
}

}  // namespace

Handle::Handle(Handle&& other) noexcept
    : id_(std::exchange(other.id_, -1)), close_(std::exchange(other.close_, nullptr)) {}

Handle& Handle::operator=(Handle&& other) noexcept {
  if (this == &other) return *this;
  reset();
  id_ = std::exchange(other.id_, -1);
  close_ = std::exchange(other.close_, nullptr);
  return *this;
}

void Handle::reset() {
  if (id_ >= 0) close_(std::exchange(id_, -1));
}

Group::Group(Handle handle, std::string path, std::shared_ptr<FileState> file)
    : handle_(std::move(handle)), path_(std::move(path)), file_(std::move(file)) {}

std::string Group::where(const std::string& name) const {
  const std::string inside = path_.empty() || name.empty() ? path_ + name : path_ + "/" + name;
  return inside.empty() ? file_->path.string() : file_->path.string() + ": " + inside;
}

Group Group::create(const std::string& name) {
  check_name(name, where());
  const Handle made = owned(H5Pcreate(H5P_GROUP_CREATE), H5Pclose, where(name), "write");
  keep_order(made.id(), where(name));
  const hid_t id = H5Gcreate2(handle_.id(), name.c_str(), H5P_DEFAULT, made.id(), H5P_DEFAULT);
  return Group(owned(id, H5Gclose, where(name), "write"), path_.empty() ? name : path_ + "/" + name,
               file_);
}

Group Group::open(const std::string& name) const {
  require(has(name), "{} is missing", where(name));
  const hid_t id = H5Gopen2(handle_.id(), name.c_str(), H5P_DEFAULT);
  return Group(owned(id, H5Gclose, where(name), "open"), path_.empty() ? name : path_ + "/" + name,
               file_);
}

bool Group::has(const std::string& name) const { return has_link(handle_.id(), name, where(name)); }

std::vector<std::string> Group::members() const {
  H5G_info_t info;
  checked(H5Gget_info(handle_.id(), &info), where(), "list");
  require(info.nlinks <= kMembers, "{} has {} members, more than {}", where(), info.nlinks,
          kMembers);
  const auto index = static_cast<H5_index_t>(index_of_creation(handle_.id(), where()));
  std::vector<std::string> names;
  for (hsize_t i = 0; i < info.nlinks; ++i) {
    // One byte more than a name may have: a longer one comes back cut off and is refused.
    std::string name(1001, '\0');
    const ssize_t size = H5Lget_name_by_idx(handle_.id(), ".", index, H5_ITER_INC, i, name.data(),
                                            name.size() + 1, H5P_DEFAULT);
    name.resize(std::min(name.size(), static_cast<size_t>(checked(size, where(), "list"))));
    check_name(name, where());
    names.push_back(std::move(name));
  }
  return names;
}

// The file is built in memory and written by us: where HDF5 1.10 itself meets a full disk, closing
// the file fails and later calls, or the end of the program, crash. The price is the file's size in
// memory.
File File::create(const std::filesystem::path& target) {
  silence_hdf5();
  File file;
  file.draft_ = std::make_unique<Draft>(target);
  file.state_ = std::make_shared<FileState>(FileState{target, 0});
  const std::string where = target.string();
  const Handle access = access_properties(where);
  checked(H5Pset_fapl_core(access.id(), kGrowth, /*backing_store=*/false), where, "write");
  const Handle made = owned(H5Pcreate(H5P_FILE_CREATE), H5Pclose, where, "write");
  checked(H5Pset_userblock(made.id(), kSealBytes), where, "write");
  keep_order(made.id(), where);
  // A name that no file can have: the library would read an existing one before replacing it.
  const std::string name = where + "/image";
  const hid_t id = H5Fcreate(name.c_str(), H5F_ACC_TRUNC, made.id(), access.id());
  file.handle_ = owned(id, H5Fclose, where, "write");
  file.root_ = root_group(file.handle_.id(), file.state_);
  return file;
}

File File::open(const std::filesystem::path& path) {
  silence_hdf5();
  check_seal(path);
  File file;
  const auto size = static_cast<int64_t>(std::filesystem::file_size(path));
  file.state_ = std::make_shared<FileState>(FileState{path, size});
  const std::string where = path.string();
  require(H5Fis_hdf5(path.c_str()) > 0, "{} is not an HDF5 file", where);
  const Handle access = access_properties(where);
  const hid_t id = H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.id());
  file.handle_ = owned(id, H5Fclose, where, "open");
  file.root_ = root_group(file.handle_.id(), file.state_);
  return file;
}

void File::publish() {
  // One view for both: a second flush may shorten the image.
  const std::string_view bytes = image();
  draft_->write(seal_of(bytes));
  draft_->write(bytes);
  draft_->publish();
}

std::string_view File::image() const {
  const std::string where = state_->path.string();
  checked(H5Fflush(handle_.id(), H5F_SCOPE_GLOBAL), where, "write");
  const ssize_t size = H5Fget_file_image(handle_.id(), nullptr, 0);
  void* memory = nullptr;
  checked(H5Fget_vfd_handle(handle_.id(), H5P_DEFAULT, &memory), where, "write");
  const char* const begin = *static_cast<char**>(memory) + kSealBytes;
  return std::string_view(begin, static_cast<size_t>(checked(size, where, "write")));
}

}  // namespace taut::io
