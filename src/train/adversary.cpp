#include "src/train/adversary.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "attacks/draws.hpp"
#include "attacks/pgd.hpp"

namespace taut::train {

at::Tensor adversarial_images(const models::Network& network, const at::Tensor& images,
                              const at::Tensor& label, const models::Threat& threat, double eps,
                              int64_t steps, uint64_t key, int64_t first) {
  const at::NoGradGuard no_grad;
  const attacks::Subject subject{
      models::converted(network, at::kFloat), {}, threat, images.device(), false};
  const int64_t rows = images.size(0);
  attacks::Job job;
  job.ball = {threat, images, at::full({rows}, eps, images.options().dtype(at::kDouble)), {}};
  job.position = at::zeros({rows}, label.options());
  job.label = label.flatten();
  job.target = at::full({rows}, -1, label.options());
  job.key = attacks::row_keys(key, at::arange(first, first + rows, at::kLong),
                              at::zeros({rows}, at::kLong), 0)
                .to(images.device());
  job.delta = attacks::random_point(job.ball, job.key);
  const at::Tensor delta = attacks::pgd(subject, job, attacks::Loss::cross_entropy, steps).delta;
  return attacks::settle(job.ball, delta);
}

}  // namespace taut::train
