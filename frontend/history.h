// What training reports: the numbers of one epoch, and their history.
#pragma once

#include <map>
#include <string>
#include <type_traits>
#include <utility>

#include "core/source_location.h"
#include "frontend/list.h"
#include "frontend/plot.h"

namespace sinter {

/// A name in brackets, with the line where it stands.
struct LogName {
  template <typename T>
  requires std::is_convertible_v<T, std::string> LogName(
      T&& text, SourceLocation line = SourceLocation::current())  // NOLINT
      : name(std::forward<T>(text)), where(line) {}
  std::string name;
  SourceLocation where;
};

/// "loss", "accuracy", "val_loss" ... of one batch or epoch. Callbacks may add entries; those of an
/// epoch land in History. A map, but for a name that is not there: where it is read, in brackets
/// too, NameError lists those that are.
class Logs : public std::map<std::string, double> {
 public:
  using std::map<std::string, double>::map;
  double at(const LogName& key) const;
  double operator[](const LogName& key) const { return at(key); }

  /// Assigned to, it is made; read, it must be there.
  class Entry {
   public:
    Entry(Logs& logs, LogName key) : logs_(logs), key_(std::move(key)) {}
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry& other) { return *this = static_cast<double>(other); }
    Entry& operator=(double value);
    operator double() const { return logs_.at(key_); }  // NOLINT
    Entry& operator+=(double value) { return *this = *this + value; }
    Entry& operator-=(double value) { return *this = *this - value; }
    Entry& operator*=(double value) { return *this = *this * value; }
    Entry& operator/=(double value) { return *this = *this / value; }

   private:
    Logs& logs_;
    LogName key_;
  };
  Entry operator[](LogName key) { return Entry(*this, std::move(key)); }
};

/// The values of all epochs by the names of the logs. A map, but for a name that is not there:
/// NameError lists those that are.
class LoggedValues : public std::map<std::string, List<double>> {
 public:
  using std::map<std::string, List<double>>::map;
  const List<double>& at(const LogName& key) const;
  const List<double>& operator[](const LogName& key) const { return at(key); }
};

struct History {
  List<int> epoch;  // counted from 0
  LoggedValues history;
  /// The epochs in which there was such a value, where that was not in all of them: validation with
  /// a validation_freq, what a callback adds now and then.
  std::map<std::string, List<double>> epochs_of;

  /// Raises NameError that lists what was logged. history["loss"][-1] is the value of the last
  /// epoch.
  const List<double>& operator[](const LogName& key) const;
  /// Draws the curves over their epochs, which count from 1 in the picture
  /// (PlotOptions::first_epoch is that of epoch 0); `path` ends in .svg or .png.
  void plot(const std::string& path, const PlotOptions& options = {},
            SourceLocation where = SourceLocation::current()) const;
};

}  // namespace sinter
