#pragma once

#include <ATen/ATen.h>

#include <map>
#include <string>

#include "src/train/train.hpp"

// Small runs on the synthetic data sets, and how to compare what they leave behind.
namespace taut::test {

inline train::TrainOptions common_run() {
  train::TrainOptions o;
  o.steps = 20;
  o.batch = 16;
  o.evaluate_every = 5;
  o.evaluate_examples = 64;
  o.checkpoint_every = 10;
  o.keep = 4;
  o.seed = 3;
  return o;
}

inline train::TrainOptions images_run(const std::string& model) {
  train::TrainOptions o = common_run();
  o.data.name = "synthetic";
  o.model.name = model;
  o.model.width = 16;
  o.model.heads = 2;
  o.model.patch = 2;
  o.model.output_scale = 8;
  return o;
}

inline train::TrainOptions text_run() {
  train::TrainOptions o = common_run();
  o.data.name = "synthetic_text";
  o.data.context = 12;
  o.model.name = "gpt";
  o.model.width = 32;
  o.model.heads = 4;
  o.model.blocks = 1;
  o.model.output_scale = 16;
  return o;
}

inline train::TrainOptions adamw_run(train::TrainOptions o) {
  o.model.style = "standard";
  o.model.output_scale = 1;
  o.optimizer.name = "adamw";
  o.optimizer.lr = 0.003;
  o.optimizer.weight_decay = 0.1;
  o.constraint.name = "none";
  return o;
}

inline train::TrainOptions sgd_run(train::TrainOptions o) {
  o = adamw_run(std::move(o));
  o.optimizer.name = "sgd";
  o.optimizer.lr = 0.05;
  o.optimizer.nesterov = true;
  return o;
}

inline train::TrainContext context_in(const std::filesystem::path& folder) {
  train::TrainContext context;
  context.folder = folder;
  return context;
}

// One run of every kind by name: the kinds that a resumed run must repeat.
inline train::TrainOptions named_run(const std::string& name) {
  if (name == "mlp") return images_run("mlp");
  if (name == "vit") return images_run("vit");
  if (name == "gpt") return text_run();
  if (name == "adamw_gpt") return adamw_run(text_run());
  if (name == "lazy_vit") {
    train::TrainOptions o = images_run("vit");
    o.constraint.w_max = 1.2;
    o.constraint.lazy = true;
    o.optimizer.lr = 0.02;
    return o;
  }
  if (name == "hammer_vit") {
    train::TrainOptions o = images_run("vit");
    o.constraint.name = "hammer";
    return o;
  }
  if (name == "margin_mlp") {
    train::TrainOptions o = images_run("mlp");
    o.loss.margin = 0.5;
    return o;
  }
  if (name == "attacked_mlp") {  // nearly all of a step is PGD
    train::TrainOptions o = images_run("mlp");
    o.loss.adversarial_eps = 0.02;
    o.loss.adversarial_steps = 100;
    o.slices = 1;
    return o;
  }
  if (name == "sgd_vit") return sgd_run(images_run("vit"));
  if (name == "noised_gpt") {
    train::TrainOptions o = text_run();
    o.data.augmentation.noise = 0.2;
    o.model.token_shift = 2;
    return o;
  }
  if (name == "everything") {  // what draws random numbers or carries an estimate along
    train::TrainOptions o = images_run("vit");
    o.data.augmentation = {true, 1, 0};
    o.loss.temperature = 2;
    o.loss.smoothing = 0.1;
    o.loss.certified_eps = 0.05;
    o.loss.adversarial_eps = 0.1;
    return o;
  }
  return adamw_run(images_run("vit"));
}

// Every tensor that decides about the steps to come.
inline std::map<std::string, at::Tensor> tensors_of(const io::Checkpoint& checkpoint) {
  std::map<std::string, at::Tensor> all = checkpoint.optimizer;
  models::for_each_tensor(checkpoint.network,
                          [&](const std::string& path, const at::Tensor& tensor, models::Role) {
                            all["network." + path] = tensor;
                          });
  all["random_state"] = checkpoint.random_state;
  return all;
}

// The name of the first tensor in which the two differ in any bit; empty when there is none.
inline std::string first_difference(const io::Checkpoint& a, const io::Checkpoint& b) {
  const auto left = tensors_of(a), right = tensors_of(b);
  if (left.size() != right.size()) return "the number of tensors";
  for (const auto& [name, tensor] : left) {
    const auto other = right.find(name);
    if (other == right.end() || !at::equal(tensor, other->second)) return name;
  }
  return "";
}

}  // namespace taut::test
