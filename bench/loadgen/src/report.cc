#include <cstdio>
#include <utility>

#include "runner.h"

namespace loadgen {
namespace {

std::string Escape(const std::string& text) {
  std::string out;
  for (unsigned char c : text) {
    char code[8];
    if (c == '"' || c == '\\' || c < 0x20 || c >= 0x7F) {
      snprintf(code, sizeof code, "\\u%04x", c);
      out += code;
    } else {
      out.push_back(static_cast<char>(c));
    }
  }
  return out;
}

}  // namespace

class JsonObject {
 public:
  void Add(const char* key, double value, int decimals) {
    char text[64];
    snprintf(text, sizeof text, "%.*f", decimals, value);
    Member(key) += text;
  }
  void Add(const char* key, uint64_t value) { Member(key) += std::to_string(value); }
  void Add(const char* key, const std::string& value) { Member(key) += '"' + Escape(value) + '"'; }
  void AddJson(const char* key, const std::string& json) { Member(key) += json; }
  std::string Finish() const { return "{" + text_ + "}"; }

 private:
  std::string& Member(const char* key) {
    if (!text_.empty()) text_ += ',';
    text_ += '"';
    text_ += key;
    return text_ += "\":";
  }
  std::string text_;
};

namespace {

double Us(uint64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e3; }

void AddPercentiles(JsonObject* json, const Histogram& latency) {
  static constexpr std::pair<const char*, double> kEach[] = {{"p50us", 0.50},   {"p90us", 0.90},
                                                             {"p95us", 0.95},   {"p99us", 0.99},
                                                             {"p999us", 0.999}, {"p9999us", 0.9999}};
  json->Add("meanUs", latency.mean() / 1e3, 2);
  for (const auto& [name, fraction] : kEach) json->Add(name, Us(latency.Percentile(fraction)), 2);
  json->Add("maxUs", Us(latency.max()), 2);
}

std::string HistogramJson(const Histogram& histogram) {
  std::string counts;
  histogram.EachStep([&](size_t index, uint64_t count) {
    if (!counts.empty()) counts += ',';
    counts += '[' + std::to_string(index) + ',' + std::to_string(count) + ']';
  });
  return "{\"counts\":[" + counts + "],\"sum\":" + std::to_string(histogram.sum()) +
         ",\"max\":" + std::to_string(histogram.max()) + "}";
}

}  // namespace

std::string Runner::ResultJson() const {
  return options_.command == Command::kStart ? StartJson() : LoadJson();
}

// One line about what happened since the last one; also where none is wanted,
// so that everything is added up.
void Runner::EndInterval(bool measuring, double at_seconds) {
  const Histogram latency = common_.tally.Fold();
  const Snapshot begin = interval_;
  interval_ = TakeSnapshot();
  const double seconds = static_cast<double>(interval_.at_ns - begin.at_ns) / 1e9;
  const uint64_t messages = interval_.replies - begin.replies;
  JsonObject json;
  json.Add("atSeconds", at_seconds, 3);
  json.Add("seconds", seconds, 4);
  json.Add("messages", messages);
  json.Add("rate", seconds > 0 ? static_cast<double>(messages) / seconds : 0, 2);
  json.Add("errors", interval_.errors - begin.errors);
  json.Add("inFlight", Waiting());
  AddPercentiles(&json, latency);
  json.Add("generatorCpu", seconds > 0 ? (interval_.own_cpu - begin.own_cpu) / seconds : 0, 4);
  if (interval_.server.known && begin.server.known && seconds > 0) {
    json.Add("serverCpu", (interval_.server.cpu_seconds - begin.server.cpu_seconds) / seconds, 4);
    json.Add("serverRssMb", interval_.server.rss_mb, 1);
  }
  if (options_.rate > 0) json.Add("lateP99us", Us(recent_lateness_.Percentile(0.99)), 2);
  lateness_.Add(recent_lateness_);
  recent_lateness_.Reset();
  // The last one is but a remainder where intervals end with the window.
  const bool is_worth_it = seconds * 1e3 >= static_cast<double>(options_.interval_ms) / 10;
  if (options_.interval_ms == 0 || !(measuring ? is_worth_it : at_seconds <= 0)) return;
  puts(("{\"interval\":" + json.Finish() + "}").c_str());
  fflush(stdout);
}

void Runner::AddIdle(JsonObject* json) const {
  const ProcStats &before = before_idle_.server, &after = after_idle_.server;
  json->Add("active", options_.active);
  json->Add("openSeconds", static_cast<double>(after_idle_.at_ns - before_idle_.at_ns) / 1e9, 3);
  json->Add("closedLater", closed_later_);
  if (!before.known || !after.known) return;
  json->Add("rssOpenMb", after.rss_mb, 1);
  const double bytes = (after.rss_mb - before.rss_mb) * 1024 * 1024;
  json->Add("bytesPerConnection", bytes / static_cast<double>(options_.connections), 0);
}

std::string Runner::StartJson() const {
  JsonObject json;
  json.Add("firstReplyMs", first_reply_ms_, 3);
  if (after_.server.known) {
    json.Add("serverCpuMs", after_.server.cpu_seconds * 1e3, 0);
    json.Add("rssMb", after_.server.rss_mb, 1);
    json.Add("rssPeakMb", after_.server.rss_peak_mb, 1);
  }
  return json.Finish();
}

std::string Runner::OperationsJson() const {
  std::string all;
  for (size_t i = 0; i < plan_.operations.size(); i++) {
    const OperationTally& tally = common_.tally.operations[i];
    JsonObject json;
    json.Add("messages", tally.replies);
    json.Add("errors", tally.errors);
    AddPercentiles(&json, tally.total);
    all += (i == 0 ? "" : ",") + json.Finish();
  }
  return "[" + all + "]";
}

void Runner::AddServer(JsonObject* json, double seconds) const {
  if (!before_.server.known || !after_.server.known) return;
  const double cpu = after_.server.cpu_seconds - before_.server.cpu_seconds;
  if (seconds > 0) json->Add("serverCpu", cpu / seconds, 4);
  if (common_.tally.replies > 0) {
    json->Add("cpuUsPerMsg", cpu * 1e6 / static_cast<double>(common_.tally.replies), 3);
  }
  json->Add("rssBeforeMb", before_.server.rss_mb, 1);
  json->Add("rssAfterMb", after_.server.rss_mb, 1);
  json->Add("rssPeakMb", after_.server.rss_peak_mb, 1);
}

void Runner::AddLoad(JsonObject* json) const {
  double request = 0, reply = 0;
  for (size_t i = 0; i < plan_.operations.size(); i++) {
    const double share = plan_.operations[i].weight / weights_.back();
    request += share * static_cast<double>(requests_->operations[i].bytes.size());
    const size_t bytes = common_.samples[i].bytes.size();
    reply += share * static_cast<double>(bytes + (options_.wire == Wire::kLines && bytes > 0 ? 1 : 0));
  }
  json->Add("requestBytes", request, 0);
  json->Add("replyBytes", reply, 0);
  json->Add("bytesOut", common_.tally.bytes_out);
  json->Add("bytesIn", common_.tally.bytes_in);
  if (options_.rate > 0) {
    json->Add("lateP99us", Us(lateness_.Percentile(0.99)), 2);
    json->Add("lateMaxUs", Us(lateness_.max()), 2);
    json->Add("scheduled", scheduled_);
    json->Add("unsent", unsent_);
  }
}

std::string Runner::LoadJson() const {
  const double seconds = static_cast<double>(after_.at_ns - before_.at_ns) / 1e9;
  const Tally& tally = common_.tally;
  const double per_second = seconds > 0 ? 1 / seconds : 0;
  JsonObject json;
  json.Add("mode", std::string(options_.rate > 0 ? "open" : "closed"));
  json.Add("connections", options_.connections);
  json.Add("depth", options_.depth);
  if (options_.command == Command::kIdle) AddIdle(&json);
  if (options_.rate > 0) json.Add("targetRate", options_.rate, 1);
  json.Add("messages", tally.replies);
  json.Add("seconds", seconds, 4);
  json.Add("rate", static_cast<double>(tally.replies) * per_second, 4);
  json.Add("errors", tally.errors);
  json.Add("lost", tally.lost);
  if (tally.errors > 0) json.Add("firstError", tally.first_error);
  json.Add("extraFrames", tally.extra_frames);
  AddPercentiles(&json, latency_);
  json.Add("generatorCpu", (after_.own_cpu - before_.own_cpu) * per_second, 4);
  json.Add("firstReplyMs", first_reply_ms_, 3);
  AddLoad(&json);
  AddServer(&json, seconds);
  if (!has_plan()) return json.Finish();
  json.AddJson("operations", OperationsJson());
  json.AddJson("histogram", HistogramJson(latency_));
  return "{\"report\":" + json.Finish() + "}";
}

}  // namespace loadgen
